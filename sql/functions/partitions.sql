-- The daily partitions of the log, oldest first, with the times between which their events were created. Reads the
-- catalogs.
create or replace function evd.partitions() returns table (name text, starts_at timestamptz, ends_at timestamptz)
language sql stable
as $$
  select c.relname::text, d.day::timestamp at time zone 'UTC', (d.day + 1)::timestamp at time zone 'UTC'
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid and c.relname ~ '^event_\d{8}$'
  cross join lateral to_date(substr(c.relname::text, 7), 'YYYYMMDD') d (day)
  where i.inhparent = 'evd.event'::regclass
  order by c.relname
$$;
