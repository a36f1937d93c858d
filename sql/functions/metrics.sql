-- What /metrics says of the installation as a whole, as JSON; the same whichever node is asked. Unread events are counted up
-- to 10,000. Reads event_window, event, window_part, delivery, handler, node, alert_group, alert_channel.
create or replace function evd.metrics() returns jsonb
language sql stable
set jit = off
as $$
  select jsonb_build_object(
    'taken', w.total_events,
    'pairs', coalesce(w.total_pairs, 0),
    'open_windows', (select count(*) from evd.event_window o where o.id >= w.low_id and o.closed_at is null),
    'unread', (select count(*) from evd.unread(10000)),
    'lag', coalesce(extract(epoch from clock_timestamp() - evd.unread_since()), 0),
    'handlers', evd.status_of_handlers(),
    'recovery', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from evd.recovery_times() t),
    'alerts_waiting', (select count(*) from evd.alert_group g where g.state in ('open', 'sending')),
    'alerts_unresolved', (select count(*) from evd.alert_group g where g.state = 'sent' and g.pending > 0),
    'channels_failing', (select count(*) from evd.alert_channel),
    'nodes', (select count(*) from evd.node n where n.fenced_at is null and n.stopped_at is null and n.kind = 'evd'),
    'since_recovery', (
      select extract(epoch from clock_timestamp() - max(n.started_at)) from evd.node n where n.kind = 'evrecover'))
  from (select * from evd.event_window order by id desc limit 1) w
$$;
