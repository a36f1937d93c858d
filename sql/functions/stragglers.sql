-- The transactions that were in progress in p_lo and had ended in p_hi. Reads nothing.
create or replace function evd.stragglers(p_lo pg_snapshot, p_hi pg_snapshot) returns xid8[]
language plpgsql immutable
as $$
begin
  if pg_snapshot_xmin(p_lo) = pg_snapshot_xmax(p_lo) then   -- none was in progress
    return '{}';
  end if;
  return array(select x from pg_snapshot_xip(p_lo) x where pg_visible_in_snapshot(x, p_hi));
end
$$;
