-- The transactions that were in progress in p_lo and had ended in p_hi. Reads nothing.
create or replace function evd.stragglers(p_lo pg_snapshot, p_hi pg_snapshot) returns xid8[]
language sql immutable
as $$
  select coalesce(array_agg(x), '{}') from pg_snapshot_xip(p_lo) x where pg_visible_in_snapshot(x, p_hi)
$$;
