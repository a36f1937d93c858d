-- Every event with what became of it: status 0 emitted, 1 timeout (past its deadline), 2 processed, 3 escalated. Derived
-- from the log, the newest window, the open windows, the parts and the deliveries; exact, but for what finished in a
-- window that is still open. An insert is an emit.
create or replace view evd.events as
select e.id, r.event_name, e.created_at, r.expected, s.status,
       (array['emitted', 'timeout', 'processed', 'escalated'])[s.status + 1] as state,
       p.done, p.resolved, e.args, e.key, e.headers, e.due_at as deliver_at, r.owner,
       greatest(e.created_at, e.due_at) + r.deadline as deadline_at, e.route_id, e.xid
from evd.event e
join evd.route r on r.id = e.route_id
cross join (select w.* from evd.event_window w order by w.id desc limit 1) newest
cross join lateral (
  select pg_visible_in_snapshot(e.xid, newest.lo)
         or (pg_visible_in_snapshot(e.xid, newest.hi) and (e.xid, e.id) <= (newest.to_xid, newest.to_id)) as is_taken) t
cross join lateral (
  select exists (select from evd.event_window w
                 where w.id >= newest.low_id and w.closed_at is null and evd.in_window(e.xid, e.id, w)) as is_open) o
cross join lateral (
  select coalesce(array_agg(x.handler order by x.ordinal) filter (where y.state = 'done'), '{}') as done,
         coalesce(array_agg(x.handler order by x.ordinal) filter (where y.state = 'resolved'), '{}') as resolved,
         coalesce(bool_or(y.state = 'escalated'), false) as is_escalated,
         coalesce(bool_and(y.state in ('done', 'resolved')), true) as is_settled
  from unnest(r.expected) with ordinality x (handler, ordinal)
  left join evd.delivery d on d.event_id = e.id and d.handler = x.handler
  cross join lateral (select evd.pair_state(e.xid, e.id, e.due_at, x.handler, d.state, t.is_taken, o.is_open) as state) y) p
cross join lateral (
  select case when p.is_escalated then 3
              when p.is_settled then 2
              when greatest(e.created_at, e.due_at) + r.deadline < clock_timestamp() then 1
              else 0 end as status) s;

create or replace trigger events_insert instead of insert on evd.events
  for each row execute function evd.events_insert();
