-- Nothing that was created before this time is in the log any more. The default partition is in order but for transactions
-- that took long; a day is taken off for them. Reads event_default and the catalogs.
create or replace function evd.log_begins_at() returns timestamptz
language sql stable
as $$
  select coalesce(
    least((select p.starts_at from evd.partitions() p limit 1),
          (select e.created_at from evd.event_default e order by e.xid, e.id limit 1) - interval '1 day'),
    '-infinity')
$$;
