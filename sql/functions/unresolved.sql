-- The events that are not processed, with their status (0, 1 or 3), found from what is outstanding: it does not read the
-- log, as `select … from evd.events where status = …` must. Reads event_window, event, window_part, route, delivery.
create or replace function evd.unresolved(p_statuses integer[] default '{0,1,3}')
returns table (event_id bigint, event_xid xid8, event_created_at timestamptz, status integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with rows as (
    select d.event_id, d.event_xid, d.event_created_at, d.route_id, bool_or(d.state = 'escalated') as is_escalated,
           min(d.deadline_at) as deadline_at
    from evd.delivery d
    where (d.state = 'escalated' and 3 = any (p_statuses))
       or (d.state in ('waiting', 'running', 'escalated') and p_statuses && '{0,1}')
    group by d.event_id, d.event_xid, d.event_created_at, d.route_id),
  others as (
    select distinct on (o.id) o.id, o.xid, o.created_at, greatest(o.created_at, o.due_at) + r.deadline as deadline_at
    from (select e.*, null as handler from evd.unread() e where p_statuses && '{0,1}'
          union all
          select e.*, null from evd.event_window w cross join lateral evd.window_events(w.id) e
          where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1)
            and w.closed_at is null and p_statuses && '{0,1}'
          union all
          select e.*, p.handler from evd.window_part p
          cross join lateral evd.window_events(p.window_id, p.upto_xid, p.upto_id) e
          where p.state = 'deferred' and p_statuses && '{0,1}') o
    join evd.route r on r.id = o.route_id and (o.handler is null or o.handler = any (r.expected))
    where not exists (select from rows k where k.event_id = o.id)
      -- In an open window every handler may have recorded that it is done.
      and exists (select from evd.events v where v.id = o.id and v.created_at = o.created_at and v.xid = o.xid
                                             and v.status <> 2)),
  everything as (
    select k.event_id, k.event_xid, k.event_created_at,
           case when k.is_escalated then 3 when k.deadline_at < clock_timestamp() then 1 else 0 end as status
    from rows k
    union all
    select o.id, o.xid, o.created_at, (o.deadline_at < clock_timestamp())::integer from others o)
  select * from everything a where a.status = any (p_statuses)
  order by a.event_xid desc, a.event_id desc
$$;
