-- How many pairs the events in the log have that were taken up to a window: for windows from before that was kept as a
-- running total. Reads the log, all of it; event, route.
create or replace function evd.pairs_taken(w evd.event_window) returns bigint
language sql stable
set enable_seqscan = on
set enable_bitmapscan = on
set enable_sort = on
as $$
  select coalesce(sum(cardinality(r.expected)), 0)::bigint from evd.event e join evd.route r on r.id = e.route_id
  where pg_visible_in_snapshot(e.xid, w.lo)
     or (pg_visible_in_snapshot(e.xid, w.hi) and (e.xid, e.id) <= (w.to_xid, w.to_id))
$$;
