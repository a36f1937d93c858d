-- What evd.unaccounted finds by reading the log from p_since on, or all of it, event by event and window by window.
-- Reads event, event_window, window_part, route, delivery, attempt, action, meta.
create or replace function evd.unaccounted_by_event(p_since timestamptz)
returns table (event_id bigint, handler text, pairs bigint, is_in_log boolean, why text)
language sql stable
as $$
  with scope as (
    select coalesce(greatest(p_since, evd.pruned_before()), '-infinity') as since),
  newest as (
    select * from evd.event_window order by id desc limit 1),
  windows as materialized (
    select w.id, w.events, w.floor, count(e.id) as found, array_agg(e.id) as ids
    from evd.event_window w cross join scope s left join lateral evd.window_events(w.id) e on true
    where w.opened_at >= s.since - interval '1 day' and w.events > 0
    group by w.id, w.events, w.floor),
  taken as (
    select e.id, e.route_id from evd.event e cross join scope s cross join newest n
    where e.created_at >= s.since
      and (pg_visible_in_snapshot(e.xid, n.lo)
           or (pg_visible_in_snapshot(e.xid, n.hi) and (e.xid, e.id) <= (n.to_xid, n.to_id))))
  select t.id, null, cardinality(r.expected)::bigint, true, 'taken, but in no window'
  from taken t join evd.route r on r.id = t.route_id
  where not exists (select from (select unnest(w.ids) as id from windows w) c where c.id = t.id)
  union all
  select null, null, w.events - w.found, false, format('rows of window %s are not in the log', w.id)
  from windows w
  where w.found < w.events and w.floor >= coalesce(evd.pruned_before(), '-infinity')
  union all
  select d.event_id, d.handler, 1, false, 'its event is not in the log'
  from evd.delivery d cross join scope s
  where d.event_created_at >= s.since
    and not exists (select from evd.event e where e.created_at = d.event_created_at and e.xid = d.event_xid
                                              and e.id = d.event_id)
  union all
  select h.event_id, h.handler, 1, true, 'it had trouble, and its delivery is gone'
  from scope s cross join lateral evd.troubled_without_delivery(s.since) h
  union all
  select e.id, p.handler, 1, true, 'due later, and nothing waits for it'
  from evd.event e cross join scope s cross join lateral evd.event_pairs(e) p
  where e.due_at > clock_timestamp() and e.created_at >= s.since and p.state = 'done'
    and not exists (select from evd.delivery d where d.event_id = e.id and d.handler = p.handler)
$$;
