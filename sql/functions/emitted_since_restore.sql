-- The events that this server wrote after the windows were restored into it from another one, as long as no window was
-- taken since. Reads event, event_window.
--
-- A restored row was inserted by the restore, whatever position it has; an event that was emitted here was inserted by
-- the transaction that its position names, or by a subtransaction of that, which has a higher id. So it has a position
-- behind the restore, and was inserted after that and not before its own position. The rows of windows, which only evd
-- changes, tell when the restore was. age() counts transactions back from now.
create or replace function evd.emitted_since_restore() returns setof evd.event
language sql stable
as $$
  select (x.event).*
  from (select (select w.base from evd.event_window w order by w.id desc limit 1) as base,
               (select min(age(w.xmin)) from evd.event_window w) as restored,
               pg_snapshot_xmax(pg_current_snapshot()) as now) r
  cross join lateral (
    select e as event, age(e.xmin) as inserted,
           age(((e.xid::text::bigint - r.base) % 4294967296)::text::xid) as emitted
    from evd.event e
    -- So many transactions ago and a few more, which are in progress and may not be counted in `now`.
    where e.xid > evd.shifted(greatest(r.now::text::bigint - r.restored - 10000, 0)::text::xid8, r.base)
      and e.xid <= evd.shifted(r.now, r.base)
    offset 0) x
  where x.inserted < r.restored and x.emitted < r.restored and x.inserted <= x.emitted
$$;
