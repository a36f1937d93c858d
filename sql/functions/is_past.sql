-- Whether every transaction that began before p_xid has ended. Reads nothing.
create or replace function evd.is_past(p_xid xid8) returns boolean
language sql
as $$
  select pg_snapshot_xmin(pg_current_snapshot()) > p_xid
$$;
