-- Until when a person silenced this kind of alert about this event and handler, or null. Reads alert_group.
create or replace function evd.alert_silence(p_kind text, p_event_name text, p_handler text) returns timestamptz
language sql stable
as $$
  select max(g.acked_until) from evd.alert_group g
  where g.kind = p_kind and g.event_name = p_event_name and g.handler = p_handler
    and g.acked_until > clock_timestamp()
$$;
