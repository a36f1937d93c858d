-- Gives every pair of a window whose event is due only after the window opened a delivery that waits until then.
-- Reads event, route, handler; appends to delivery.
create or replace function evd.spill_later(p_window bigint) returns void
language sql
as $$
  insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, state, max_attempts, next_at,
                            deadline_at)
  select e.id, x.handler, e.xid, e.created_at, e.route_id, 'waiting', coalesce(h.max_attempts, 10), e.due_at,
         e.due_at + r.deadline
  from evd.window_events(p_window) e
  join evd.event_window w on w.id = p_window and e.due_at > w.opened_at
  join evd.route r on r.id = e.route_id
  cross join unnest(r.expected) x (handler)
  left join evd.handler h on h.name = x.handler
  on conflict do nothing
$$;
