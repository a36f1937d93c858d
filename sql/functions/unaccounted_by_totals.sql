-- What evd.unaccounted finds without reading the history: its cost depends on the number of windows that are kept, of
-- failures that are kept, and of what is outstanding.
-- Reads event_window, event, window_part, route, delivery, attempt, action, meta.
create or replace function evd.unaccounted_by_totals()
returns table (event_id bigint, handler text, pairs bigint, is_in_log boolean, why text)
language sql stable
as $$
  -- Each window's totals are those of the one before and its own. The oldest begins where retention has come to.
  with chain as (
    select w.id, lag(w.id) over o as before, w.total_events - w.events - coalesce(lag(w.total_events) over o, 0) as events,
           w.total_pairs - w.pairs - coalesce(lag(w.total_pairs) over o, 0) as pairs
    from evd.event_window w window o as (order by w.id)),
  gaps as materialized (
    select c.* from chain c
    where c.events <> 0 and (c.before is not null or evd.pruned_before() is null)),
  lost as materialized (
    select g.id, e.id as event_id, cardinality(r.expected)::bigint as pairs
    from gaps g cross join lateral evd.events_between(g.before, g.id) e join evd.route r on r.id = e.route_id),
  unfinished as materialized (
    select w.id, w.events from evd.claimed c join evd.event_window w on w.id >= c.low_id and w.closed_at is null
    union
    select w.id, w.events from evd.window_part p join evd.event_window w on w.id = p.window_id where p.state = 'deferred')
  select l.event_id, null, l.pairs, true, 'taken, but in no window' from lost l
  union all
  select null, null, greatest(g.pairs - s.pairs, 1), false,
         format('the totals of windows %s and %s do not follow from the log', coalesce(g.before, 0), g.id)
  from gaps g
  cross join lateral (
    select count(*) as events, coalesce(sum(l.pairs), 0)::bigint as pairs from lost l where l.id = g.id) s
  where s.pairs < g.pairs or s.events = 0
  union all
  select null, null, u.events - n.found, false, format('rows of window %s are not in the log', u.id)
  from unfinished u cross join lateral (select count(*) as found from evd.window_events(u.id)) n
  where n.found < u.events
  union all
  select d.event_id, d.handler, 1, false, 'its event is not in the log'
  from evd.delivery d
  where d.state in ('waiting', 'running', 'escalated')
    and not exists (select from evd.event e where e.created_at = d.event_created_at and e.xid = d.event_xid
                                              and e.id = d.event_id)
  union all
  select t.event_id, t.handler, 1, true, 'it had trouble, and its delivery is gone'
  from evd.troubled_without_delivery('-infinity') t
$$;
