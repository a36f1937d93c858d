-- One event's whole story as JSON, or null when it is not in the log: its row, each expected handler, the failed
-- attempts, what people did, and where it is now. Reads event, event_window, window_part, route, handler, delivery,
-- attempt, action, node.
create or replace function evd.show(p_event_id bigint) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select jsonb_build_object(
    'id', v.id, 'event_name', v.event_name, 'created_at', evd.iso_time(v.created_at), 'expected', v.expected,
    'status', v.status, 'state', v.state, 'done', v.done, 'resolved', v.resolved, 'args', v.args, 'key', v.key,
    'headers', coalesce(v.headers, '{}'), 'deliver_at', evd.iso_time(v.deliver_at),
    'deadline', evd.iso_time(v.deadline_at), 'owner', v.owner,
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
  join evd.events v on v.id = p_event_id and v.created_at = e.created_at and v.xid = e.xid
$$;
