-- Gives pairs of a window a delivery each, unless their handler records its own progress. States as evd.settle_window; those
-- that failed are left running, for evd.fail_delivery to settle. Reads window_part, event, route, handler;
-- appends to delivery.
create or replace function evd.spill(p_window bigint, p_node bigint, p_event_ids bigint[], p_handlers text[],
                                     p_states text[]) returns void
language sql
as $$
  insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, state, run, attempts, max_attempts,
                            deadline_at, node_id, started_at, suspect)
  select e.id, u.handler, e.xid, e.created_at, e.route_id, s.state, s.run, s.run, s.max_attempts,
         greatest(e.created_at, e.due_at) + r.deadline,
         case when s.state = 'running' then p_node end, case when s.run = 1 then w.opened_at end, u.state = 'lost'
  from unnest(p_event_ids, p_handlers, p_states) u (event_id, handler, state)
  join evd.window_events(p_window) e on e.id = u.event_id
  join evd.event_window w on w.id = p_window
  join evd.route r on r.id = e.route_id
  left join evd.handler h on h.name = u.handler
  cross join lateral (
    select coalesce(h.max_attempts, 10) as max_attempts, (u.state <> 'queued')::integer as run,
           case when u.state = 'queued' or (u.state = 'lost' and coalesce(h.max_attempts, 10) > 1) then 'waiting'
                else 'running' end as state) s
  where not exists (select from evd.window_part p where p.window_id = p_window and p.handler = u.handler
                                                     and p.state = 'done')
  on conflict do nothing
$$;
