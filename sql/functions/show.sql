-- One event's whole story as JSON, or null when it is not in the log: its row, each expected handler, the failed
-- attempts, what people did, and where it is now. Reads event, event_window, window_part, route, handler, delivery,
-- attempt, action, node.
create or replace function evd.show(p_event_id bigint) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select jsonb_build_object(
    'id', e.id, 'event_name', r.event_name, 'created_at', evd.iso_time(e.created_at), 'expected', r.expected,
    'status', s.status, 'state', (array['emitted', 'timeout', 'processed', 'escalated'])[s.status + 1],
    'done', p.done, 'resolved', p.resolved, 'args', e.args, 'key', e.key, 'headers', coalesce(e.headers, '{}'),
    'deliver_at', evd.iso_time(e.due_at), 'deadline', evd.iso_time(greatest(e.created_at, e.due_at) + r.deadline),
    'owner', r.owner,
    'deliveries', evd.show_deliveries(e),
    'attempts', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'handler', a.handler, 'run', a.run, 'node', n.name, 'started_at', evd.iso_time(a.started_at),
               'ended_at', evd.iso_time(a.ended_at), 'error', a.error) order by a.ended_at, a.handler, a.run), '[]')
      from evd.attempt a left join evd.node n on n.id = a.node_id where a.event_id = e.id),
    'actions', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'action', c.action, 'handler', c.handler, 'actor', c.actor, 'why', c.why, 'at', evd.iso_time(c.at))
               order by c.id), '[]')
      from evd.action c where c.event_id = e.id),
    'where', evd.show_place(e))
  from evd.events_by_id(array[p_event_id]) e
  join evd.route r on r.id = e.route_id
  cross join lateral (
    select coalesce(array_agg(x.handler order by x.ordinal) filter (where x.state = 'done'), '{}') as done,
           coalesce(array_agg(x.handler order by x.ordinal) filter (where x.state = 'resolved'), '{}') as resolved,
           coalesce(bool_or(x.state = 'escalated'), false) as is_escalated,
           coalesce(bool_and(x.state in ('done', 'resolved')), true) as is_settled
    from evd.event_pairs(e) x) p
  cross join lateral (
    select case when p.is_escalated then 3
                when p.is_settled then 2
                else evd.is_overdue(e.created_at, e.due_at, e.route_id)::integer end as status) s
$$;
