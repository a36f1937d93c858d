-- The events of a window after a position, in log order, at most p_limit (null: all). Reads event_window, event.
-- The window's own set is fixed by its snapshots and positions, so it reads the same whenever it is called.
--
-- The times are the window's own, so that few partitions are opened: for a batch of few events that is what it costs.
-- The index is given one lower bound; with two, the btree starts at the wrong one and reads the whole log. And it is told
-- when to stop: the upper bound ends a scan only where xid changes, and a transaction may have written a million events.
create or replace function evd.window_events(p_window bigint, p_after_xid xid8 default '0',
                                             p_after_id bigint default -1, p_limit integer default null)
returns setof evd.event
language plpgsql stable
set jit = off   -- by its estimate such a plan looks worth compiling, which takes far longer than it
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set plan_cache_mode = force_generic_plan
as $$
declare
  w     evd.event_window;
  v_hi  pg_snapshot;
  v_all xid8;   -- whatever is before it is in hi: cheaper to compare with
begin
  select * into w from evd.event_window where id = p_window;
  v_hi := w.hi::text::pg_snapshot;   -- as it came out of the row it would be unpacked for each event
  v_all := pg_snapshot_xmin(v_hi);
  p_limit := least(p_limit, w.events);
  w.oldest := coalesce(w.oldest, w.floor);
  w.newest := coalesce(w.newest, 'infinity');
  if (p_after_xid, p_after_id) > (w.from_xid, w.from_id) then
    w.from_xid := p_after_xid;
    w.from_id := p_after_id;
  end if;
  if w.to_xid < pg_snapshot_xmax(w.lo) then
    return query
      select e.* from evd.event e
      where e.xid = any (evd.stragglers(w.lo, w.hi))
        and (e.xid, e.id) > (w.from_xid, w.from_id) and (e.xid, e.id) <= (w.to_xid, w.to_id)
        and e.created_at between w.oldest and w.newest
      order by e.xid, e.id limit p_limit;
  else
    return query
      select e.* from evd.event e
      where (e.xid, e.id) > (w.from_xid, w.from_id) and (e.xid, e.id) <= (w.to_xid, w.to_id)
        and (e.xid < v_all or pg_visible_in_snapshot(e.xid, v_hi))
        and e.created_at between w.oldest and w.newest
      order by e.xid, e.id limit p_limit;
  end if;
end
$$;
