-- Deletes a page of what is about events from before a time that are gone or may go, of keys that are too old, and of
-- alerts that are over. Returns how many rows; 0: that is all. What partitions hold is dropped by evd.drop_partition.
create or replace function evd.prune(p_before timestamptz, p_limit integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Losing it only repeats it.
  perform set_config('synchronous_commit', 'off', true);
  return evd.prune_default(p_before, p_limit)
       + evd.prune_deliveries(p_limit)
       + evd.prune_windows(p_limit)
       + evd.prune_keys(p_limit)
       + evd.alert_prune(clock_timestamp() - p_before, p_limit);
end
$$;
