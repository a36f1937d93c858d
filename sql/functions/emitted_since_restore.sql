-- The events that this server wrote after the log was restored into it from another one, as long as no window was taken
-- since. Reads event, event_window.
--
-- A restored row was inserted by the restore, whatever position it has. An event that was emitted here was inserted by
-- the transaction that its position names, or by a subtransaction of that, which has a higher id, and was begun after the
-- rows of windows were restored, which nobody changes before the log is adopted. Its id is above those that were taken,
-- since the sequence was restored as well. A transaction may have had its id since before the restore: that is what the
-- 10000 are for.
create or replace function evd.emitted_since_restore() returns setof evd.event
language sql stable
set jit = off
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
as $$
  select (x.event).*
  from (select max(n.now - ((n.now - w.xmin::text::bigint) & 4294967295)) as restored, max(w.to_id) as taken_id,
               (array_agg(w.base order by w.id desc))[1] as base, n.now
        from evd.event_window w, (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as now) n
        group by n.now) r
  cross join lateral (
    select e as event, e.xid::text::bigint - r.base as emitted,
           r.now - ((r.now - e.xmin::text::bigint) & 4294967295) as inserted
    from evd.event e
    where e.xid > evd.shifted(greatest(r.restored - 10000, 0)::text::xid8, r.base)
      and e.xid < evd.shifted(r.now::text::xid8, r.base)
    offset 0) x
  where (x.inserted = x.emitted or (x.inserted > r.restored and x.inserted > x.emitted)) and (x.event).id > r.taken_id
$$;
