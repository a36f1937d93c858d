-- An entry for each expected handler of an event, in their order, also for those without a delivery.
-- Reads event_window, window_part, route, handler, delivery, node.
create or replace function evd.show_deliveries(p_event evd.event) returns jsonb
language sql stable
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'handler', p.handler, 'state', p.state,
    -- What was done in its window was done at the first attempt.
    'attempts', coalesce(d.attempts, (p.state = 'done')::integer),
    'max_attempts', coalesce(d.max_attempts, h.max_attempts, 10),
    'next_at', case when d.state = 'waiting' then evd.iso_time(d.next_at) end,
    'last_error', d.last_error, 'run', coalesce(d.run, (p.state = 'done')::integer), 'round', coalesce(d.round, 0),
    'suspect', coalesce(d.suspect, false), 'node', n.name, 'started_at', evd.iso_time(d.started_at),
    'ended_at', evd.iso_time(d.ended_at), 'owner', coalesce(h.owner, r.owner), 'runbook', h.runbook)
    order by p.ordinal), '[]')
  from evd.event_pairs(p_event) p
  join evd.route r on r.id = p_event.route_id
  left join evd.delivery d on d.event_id = p_event.id and d.handler = p.handler
  left join evd.handler h on h.name = p.handler
  left join evd.node n on n.id = d.node_id
$$;
