-- The events that were taken after a window and before another, by windows that are gone. p_before null: by any before
-- p_after. Reads event_window, event.
create or replace function evd.events_between(p_before bigint, p_after bigint) returns setof evd.event
language plpgsql stable
set jit = off   -- by its estimate such a plan looks worth compiling, which takes far longer than it
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  b evd.event_window;
  a evd.event_window;
begin
  select * into b from evd.event_window where id = p_before;
  select * into strict a from evd.event_window where id = p_after;
  return query
    select e.* from evd.event e
    where (e.xid, e.id) > (coalesce(pg_snapshot_xmin(b.lo), '0'), -1::bigint)
      and e.created_at >= coalesce(b.floor, '-infinity')
      and (pg_visible_in_snapshot(e.xid, a.lo)
           or (pg_visible_in_snapshot(e.xid, a.hi) and (e.xid, e.id) <= (a.from_xid, a.from_id)))
      and (pg_visible_in_snapshot(e.xid, b.lo)
           or (pg_visible_in_snapshot(e.xid, b.hi) and (e.xid, e.id) <= (b.to_xid, b.to_id))) is not true;
end
$$;
