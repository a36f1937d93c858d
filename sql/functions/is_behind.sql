-- Whether the log comes from a server whose transaction ids were higher than this one's, so that what is emitted here
-- would count as taken: the newest window is ahead, or was when events were emitted here. Reads meta, event_window, event.
create or replace function evd.is_behind() returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  w evd.event_window;
begin
  select * into w from evd.event_window order by id desc limit 1;
  if w.own_xid >= evd.shifted(pg_snapshot_xmax(pg_current_snapshot()), w.base) then
    return true;
  end if;
  return (select m.cluster <> c.system_identifier::text from evd.meta m, pg_control_system() c)
     and exists (select from evd.emitted_since_restore() e where e.xid <= w.own_xid);
end
$$;
