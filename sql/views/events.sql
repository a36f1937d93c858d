-- Every event with what became of it: status 0 emitted, 1 timeout (past its deadline), 2 processed, 3 escalated. Derived
-- from the log, the windows, the parts and the deliveries; exact, but for what finished in a window that is still open.
-- An insert is an emit.
--
-- An event is in exactly one arm. Each says its status as a constant, or joins those that are possible, so that a
-- condition on it excludes the other arms before they are read. Arms that may be long read one relation, with all their
-- conditions in is_here, and begin or end where the log is taken: only then can the planner read them in the log's order,
-- for `order by xid desc, id desc limit …`. The others start from what is unfinished. No arm searches for an event's
-- window, and a look-up by id goes to the id in each.
create or replace view evd.events as
select x.id, r.event_name, x.created_at, r.expected, x.status,
       (array['emitted', 'timeout', 'processed', 'escalated'])[x.status + 1] as state,
       case x.place
         when 'unread' then '{}'
         when 'processed' then array(
           select h.handler from unnest(r.expected) with ordinality h (handler, ordinal)
           where not exists (select from evd.delivery d
                             where d.event_id = x.id and d.handler = h.handler and d.state = 'resolved')
           order by h.ordinal)
         else evd.handlers_done((x.id, x.xid, x.route_id, x.created_at, x.args, x.key, x.due_at, x.headers)::evd.event)
         end as done,
       array(select d.handler from evd.delivery d where d.event_id = x.id and d.state = 'resolved'
             order by array_position(r.expected, d.handler)) as resolved,
       x.args, x.key, x.headers, x.due_at as deliver_at, r.owner,
       greatest(x.created_at, x.due_at) + r.deadline as deadline_at, x.route_id, x.xid
from (
  -- Processed. Of most, a few comparisons say so.
  select e.*, 2 as status, 'processed' as place,
         ((e.xid, e.id) <= ((select c.end_xid from evd.claimed c), (select c.end_id from evd.claimed c))) is true
         and case when (pg_visible_in_snapshot(e.xid, (select c.settled_lo from evd.claimed c))
                        or (pg_visible_in_snapshot(e.xid, (select c.settled_hi from evd.claimed c))
                            and (e.xid, e.id) <= ((select c.settled_xid from evd.claimed c),
                                                  (select c.settled_id from evd.claimed c)))) is not true
                  then evd.is_processed(e.xid, e.id, e.due_at, e.route_id)
                  when e.id < (select min(d.event_id) from evd.delivery d
                               where d.state in ('waiting', 'running', 'escalated')) is not false then true
                  else not evd.has_unresolved(e.id) end as is_here
  from evd.event e
  union all
  -- Not taken: where nothing is expected, past the deadline, or before.
  select e.*, 2, 'unread',
         (e.xid, e.id) > (evd.end_xid(), evd.end_id())
         and ((e.xid, e.id) > ((select c.end_xid from evd.claimed c), (select c.end_id from evd.claimed c))) is true
         and e.created_at >= (select c.floor from evd.claimed c)
         and e.route_id = any (array(select r.id from evd.route r where r.expected = '{}'))
  from evd.event e
  union all
  select e.*, 1, 'unread',
         (e.xid, e.id) > (evd.end_xid(), evd.end_id())
         and ((e.xid, e.id) > ((select c.end_xid from evd.claimed c), (select c.end_id from evd.claimed c))) is true
         and e.created_at >= (select c.floor from evd.claimed c)
         and greatest(e.created_at, e.due_at) < statement_timestamp() - (select min(r.deadline) from evd.route r)
         and evd.is_overdue(e.created_at, e.due_at, e.route_id)
         and e.route_id <> all (array(select r.id from evd.route r where r.expected = '{}'))
  from evd.event e
  union all
  select e.*, 0, 'unread',
         (e.xid, e.id) > (evd.end_xid(), evd.end_id())
         and ((e.xid, e.id) > ((select c.end_xid from evd.claimed c), (select c.end_id from evd.claimed c))) is true
         and e.created_at >= (select c.floor from evd.claimed c)
         and greatest(e.created_at, e.due_at) >= statement_timestamp() - (select max(r.deadline) from evd.route r)
         and not evd.is_overdue(e.created_at, e.due_at, e.route_id)
         and e.route_id <> all (array(select r.id from evd.route r where r.expected = '{}'))
  from evd.event e
  union all
  -- With an escalated pair.
  select e.*, 3, 'row', true
  from (select distinct event_id, event_xid, event_created_at from evd.delivery where state = 'escalated') d
  join evd.event e on e.created_at = d.event_created_at and e.xid = d.event_xid and e.id = d.event_id
  union all
  -- With a pair that waits or runs in a row of its own.
  select e.*, s.status, 'row', true
  from (select distinct event_id, event_xid, event_created_at from evd.delivery where state in ('waiting', 'running')) d
  join evd.event e on e.created_at = d.event_created_at and e.xid = d.event_xid and e.id = d.event_id
  join evd.route r on r.id = e.route_id
  join (select 0 as status union all select 1) s
    on s.status = (greatest(e.created_at, e.due_at) + r.deadline < statement_timestamp())::integer
  where not exists (select from evd.delivery o where o.event_id = d.event_id and o.state = 'escalated')
  union all
  -- In an open window, put off with its window, or not taken and yet not behind all that is.
  select e.*, s.status, u.place, true
  from evd.unfinished_runs() u
  join evd.event e on (e.xid, e.id) > (u.from_xid, u.from_id) and (e.xid, e.id) <= (u.to_xid, u.to_id)
    and e.created_at >= u.floor and (u.hi is null or pg_visible_in_snapshot(e.xid, u.hi))
  join evd.route r on r.id = e.route_id
  join (select 0 as status union all select 1 union all select 2) s
    on s.status = case when u.place <> 'deferred' and evd.is_settled(e) then 2
                       else (greatest(e.created_at, e.due_at) + r.deadline < statement_timestamp())::integer end
  where not exists (select from evd.delivery d
                    where d.event_id = e.id and d.state in ('waiting', 'running', 'escalated'))
    and (u.place <> 'deferred' or not evd.is_processed(e.xid, e.id, e.due_at, e.route_id))
) x
join evd.route r on r.id = x.route_id
where x.is_here;

create or replace trigger events_insert instead of insert on evd.events
  for each row execute function evd.events_insert();
