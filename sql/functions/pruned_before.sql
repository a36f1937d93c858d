-- Retention has dropped the events written before this time; null: none yet. Read off the daily partitions: the oldest
-- one is younger than the installation. Reads meta and the catalogs.
create or replace function evd.pruned_before() returns timestamptz
language sql stable
as $$
  select case when d.oldest > (m.created_at at time zone 'UTC')::date then d.oldest at time zone 'UTC' end
  from evd.meta m
  cross join (
    select min(to_date(substr(c.relname::text, 7), 'YYYYMMDD'))::timestamp as oldest
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'evd.event'::regclass and c.relname ~ '^event_\d{8}$') d
$$;
