-- When the oldest event that no window has taken was written, or null. Events of transactions that were in progress
-- when the newest window's snapshots were taken are looked for too. Reads event_window, event.
create or replace function evd.unread_since() returns timestamptz
language plpgsql
set jit = off   -- by its estimate such a plan looks worth compiling, which takes far longer than it
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  w       evd.event_window;
  v_late  timestamptz;
  v_main  timestamptz;
begin
  select * into w from evd.event_window order by id desc limit 1;
  select min(e.created_at) into v_late from evd.event e
    where e.xid = any (array(select pg_snapshot_xip(w.hi)) || array(select pg_snapshot_xip(w.lo)))
      and not pg_visible_in_snapshot(e.xid, w.lo) and e.created_at >= w.floor
      and not (pg_visible_in_snapshot(e.xid, w.hi) and (e.xid, e.id) <= (w.to_xid, w.to_id));
  -- One lower bound, the greater: with two, the index would be read from the wrong one.
  if (w.to_xid, w.to_id) < (pg_snapshot_xmax(w.lo), -1::bigint) then
    w.to_xid := pg_snapshot_xmax(w.lo);
    w.to_id := -1;
  end if;
  select e.created_at into v_main from evd.event e
    where (e.xid, e.id) > (w.to_xid, w.to_id) and e.created_at >= w.floor
    order by e.xid, e.id limit 1;
  return least(v_late, v_main);
end
$$;
