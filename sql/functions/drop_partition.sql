-- Drops a partition of the log. Returns why it has to be kept; null: it is gone. Writes event's definition and meta.
--
-- Until the lock is given, each emit and claim queues behind it, so it gives up soon; a later pass tries again. It asks once
-- more under the lock, which nobody gets while an emit into the partition, or a re-emit of one of its events, is in progress.
create or replace function evd.drop_partition(p_name text) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
  v_day  record;
  v_kept text;
begin
  select p.starts_at, p.ends_at into v_day from evd.partitions() p where p.name = p_name;
  if not found then
    return 'there is no such partition';
  end if;
  v_kept := evd.why_kept(v_day.starts_at, v_day.ends_at);
  if v_kept is null then
    lock table only evd.event in access exclusive mode;
    execute format('lock table evd.%I in access exclusive mode', p_name);
    v_kept := evd.why_kept(v_day.starts_at, v_day.ends_at);
  end if;
  if v_kept is null then
    execute format('drop table evd.%I', p_name);
    update evd.meta set dropped_before = greatest(dropped_before, v_day.ends_at);
  end if;
  return v_kept;
exception when lock_not_available then
  return 'another transaction reads or writes the log; it is tried again';
end
$$;
