-- The events that no window has taken, in log order, at most p_limit (null: all).
-- Reads event_window, event.
create or replace function evd.unread(p_limit bigint default null) returns setof evd.event
language plpgsql stable
set jit = off   -- by its estimate such a plan looks worth compiling, which takes far longer than it
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  w evd.event_window;
begin
  select * into w from evd.event_window order by id desc limit 1;
  -- Left over by transactions that were in progress in a snapshot; then what lies behind the position.
  return query
    select e.* from evd.event e
    where e.xid = any (array(select pg_snapshot_xip(w.hi) union select pg_snapshot_xip(w.lo)))
      and (e.xid, e.id) <= greatest((w.to_xid, w.to_id), (pg_snapshot_xmax(w.lo), -1::bigint))
      and not pg_visible_in_snapshot(e.xid, w.lo) and e.created_at >= w.floor
      and not (pg_visible_in_snapshot(e.xid, w.hi) and (e.xid, e.id) <= (w.to_xid, w.to_id))
    order by e.xid, e.id limit p_limit;
  if (w.to_xid, w.to_id) < (pg_snapshot_xmax(w.lo), -1::bigint) then
    w.to_xid := pg_snapshot_xmax(w.lo);
    w.to_id := -1;
  end if;
  return query
    select e.* from evd.event e
    where (e.xid, e.id) > (w.to_xid, w.to_id) and e.created_at >= w.floor
    order by e.xid, e.id limit p_limit;
end
$$;
