-- Each handler with what waits for it: parts (and at most how many events they hold), and deliveries by state.
-- Reads handler, node, window_part, event_window, delivery.
create or replace function evd.status_of_handlers() returns jsonb
language sql stable
as $$
  with parts as (
    select p.handler, count(*) as parts, sum(w.events) as events, min(p.created_at) as oldest
    from evd.window_part p join evd.event_window w on w.id = p.window_id
    where p.state = 'deferred' group by p.handler),
  rows as (
    select d.handler, count(*) filter (where d.state = 'waiting') as waiting,
           count(*) filter (where d.state = 'running') as running,
           count(*) filter (where d.state = 'escalated') as escalated
    from evd.delivery d where d.state in ('waiting', 'running', 'escalated') group by d.handler)
  select coalesce(jsonb_agg(jsonb_build_object(
    'name', n.name, 'kind', h.kind, 'owner', h.owner, 'is_hosted', evd.is_hosted(n.name),
    'paused_at', evd.iso_time(h.paused_at), 'paused_by', h.paused_by, 'parts', coalesce(p.parts, 0),
    'part_events', coalesce(p.events, 0), 'oldest_part_at', evd.iso_time(p.oldest),
    'waiting', coalesce(d.waiting, 0), 'running', coalesce(d.running, 0), 'escalated', coalesce(d.escalated, 0),
    'breaker', case when h.breaker_opened_at is not null then jsonb_build_object(
      'opened_at', evd.iso_time(h.breaker_opened_at), 'error', h.breaker_error, 'probes', h.probes,
      'probe_at', evd.iso_time(h.probe_at)) end) order by n.name), '[]')
  from (select name from evd.handler union select handler from parts union select handler from rows) n
  left join evd.handler h on h.name = n.name
  left join parts p on p.handler = n.name
  left join rows d on d.handler = n.name
$$;
