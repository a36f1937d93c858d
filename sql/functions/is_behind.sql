-- Whether the log comes from a server whose transaction ids were higher than this one's, so that what is emitted here
-- would count as taken: something in it is ahead, or was when events were emitted here or may be by a transaction in
-- progress. Reads meta, event_window, event.
create or replace function evd.is_behind() returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  w           evd.event_window;
  v_last      xid8;
  v_elsewhere boolean;   -- it was on another server when one was last noted
begin
  select * into w from evd.event_window order by id desc limit 1;
  select greatest(w.own_xid, max(e.xid)) into v_last
    from (select e.xid from evd.event e order by e.xid desc, e.id desc limit 1) e;
  if v_last >= evd.shifted(pg_snapshot_xmax(pg_current_snapshot()), w.base) then
    return true;
  end if;
  select m.cluster <> c.system_identifier::text into v_elsewhere from evd.meta m, pg_control_system() c;
  return v_elsewhere
     and (w.own_xid >= evd.shifted(pg_snapshot_xmin(pg_current_snapshot()), w.base)
          or exists (select from evd.emitted_since_restore() e where e.xid <= w.own_xid));
end
$$;
