-- Retention has dropped the events created before this time, but for those that it had to keep; null: none yet. Reads meta.
create or replace function evd.pruned_before() returns timestamptz
language sql stable
as $$
  select m.dropped_before from evd.meta m
$$;
