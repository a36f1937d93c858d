-- How far the log is taken: one row, of the newest window. An event is taken if it is visible in lo, or visible in hi and
-- not behind (to_xid, to_id); none behind (end_xid, end_id) is. The same with settled_lo, settled_hi and (settled_xid,
-- settled_id): it was taken by a window before all that are open or of which a part is put off.
create or replace view evd.claimed as
select w.id, w.low_id, w.floor, w.lo, w.hi, w.to_xid, w.to_id,
       greatest(w.to_xid, pg_snapshot_xmax(w.lo)) as end_xid,
       case when w.to_xid < pg_snapshot_xmax(w.lo) then -1 else w.to_id end as end_id,
       coalesce(s.lo, w.lo) as settled_lo, coalesce(s.hi, w.hi) as settled_hi,
       coalesce(s.from_xid, w.to_xid) as settled_xid, coalesce(s.from_id, w.to_id) as settled_id
from (select * from evd.event_window order by id desc limit 1) w
left join evd.event_window s
  on s.id = least((select min(o.id) from evd.event_window o where o.id >= w.low_id and o.closed_at is null),
                  (select min(p.window_id) from evd.window_part p where p.state = 'deferred'));
