-- Where in the log events are that are not processed, but for those with deliveries and those behind all that is taken:
-- runs of positions, behind from and up to and including to. place is late (of a transaction that was in progress when a
-- snapshot was taken), open (in an open window), or deferred (in a window of which a part is put off). In a run with hi,
-- only what is visible in it counts. No event is in two runs.
-- Reads event_window, window_part.
create or replace function evd.unfinished_runs()
returns table (place text, window_id bigint, opened_at timestamptz, floor timestamptz, hi pg_snapshot,
               from_xid xid8, from_id bigint, to_xid xid8, to_id bigint)
language sql stable rows 10 security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with windows as materialized (
    select 'open' as place, w.* from evd.claimed c join evd.event_window w on w.id >= c.low_id and w.closed_at is null
    union all
    select 'deferred', w.* from evd.event_window w
    where w.id in (select p.window_id from evd.window_part p where p.state = 'deferred'))
  -- Whatever was in progress in hi; and of what was in progress in lo, what is not taken.
  select 'late', null::bigint, null::timestamptz, c.floor, null::pg_snapshot, x.xid,
         case when x.xid = c.to_xid then c.to_id else -1 end, x.xid, 9223372036854775807
  from evd.claimed c cross join lateral (select pg_snapshot_xip(c.hi) union select pg_snapshot_xip(c.lo)) x (xid)
  where x.xid < c.end_xid and (x.xid >= c.to_xid or not pg_visible_in_snapshot(x.xid, c.hi))
  union all
  select w.place, w.id, w.opened_at, w.floor, w.hi, w.from_xid, w.from_id, w.to_xid, w.to_id
  from windows w where w.to_xid >= pg_snapshot_xmax(w.lo)
  union all
  -- A window of stragglers: each of its transactions on its own, or all that was written meanwhile would be read.
  select w.place, w.id, w.opened_at, w.floor, null, x.xid, case when x.xid = w.from_xid then w.from_id else -1 end,
         x.xid, case when x.xid = w.to_xid then w.to_id else 9223372036854775807 end
  from windows w cross join lateral unnest(evd.stragglers(w.lo, w.hi)) x (xid)
  where w.to_xid < pg_snapshot_xmax(w.lo) and x.xid between w.from_xid and w.to_xid
$$;
