-- How many pairs are not done, by route, handler and place: unread, open (in an open window), deferred (in a part),
-- waiting, running, escalated; of events written since p_since. Its cost depends on what is outstanding. Reads event_window, event, route, window_part,
-- delivery.
create or replace function evd.outstanding(p_since timestamptz default '-infinity')
returns table (route_id integer, handler text, place text, pairs bigint)
language sql stable
as $$
  select r.id, x.handler, 'unread', sum(u.events)::bigint
  from (select e.route_id, count(*) as events from evd.unread() e where e.created_at >= p_since group by e.route_id) u
  join evd.route r on r.id = u.route_id cross join unnest(r.expected) x (handler)
  group by r.id, x.handler
  union all
  select r.id, x.handler, 'open', count(*)
  from evd.event_window w
  cross join lateral evd.window_events(w.id) e
  join evd.route r on r.id = e.route_id
  cross join unnest(r.expected) x (handler)
  where e.created_at >= p_since and w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1)
    and w.closed_at is null
    and not exists (select from evd.window_part p where p.window_id = w.id and p.handler = x.handler
                      and p.state = 'done' and (e.xid, e.id) <= (p.upto_xid, p.upto_id)
                      and (e.due_at is null or e.due_at <= w.opened_at))
    and not exists (select from evd.delivery d where d.event_id = e.id and d.handler = x.handler)
  group by r.id, x.handler
  union all
  select r.id, p.handler, 'deferred', count(*)
  from evd.window_part p
  join evd.event_window w on w.id = p.window_id
  cross join lateral evd.window_events(p.window_id, p.upto_xid, p.upto_id) e
  join evd.route r on r.id = e.route_id and p.handler = any (r.expected)
  where evd.is_put_off(e.xid, e.id, e.due_at, p, w.opened_at) and e.created_at >= p_since
    and not exists (select from evd.delivery d where d.event_id = e.id and d.handler = p.handler)
  group by r.id, p.handler
  union all
  select d.route_id, d.handler, d.state, count(*) from evd.delivery d
  where d.state in ('waiting', 'running', 'escalated') and d.event_created_at >= p_since
  group by d.route_id, d.handler, d.state
$$;
