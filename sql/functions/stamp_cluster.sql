-- Notes on which PostgreSQL the log is now, where that changed and nothing is to be adopted: an upgrade, or a restore into
-- higher transaction ids. True: it changed. Writes meta.
create or replace function evd.stamp_cluster() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update evd.meta m set cluster = c.system_identifier::text
    from pg_control_system() c where m.cluster <> c.system_identifier::text;
  return found;
end
$$;
