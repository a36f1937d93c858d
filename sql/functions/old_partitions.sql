-- The partitions with nothing but events created before a time, oldest first, and for each why it has to be kept; null:
-- it need not. Reads event_window, window_part, delivery and the catalogs.
create or replace function evd.old_partitions(p_before timestamptz) returns table (name text, kept text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select p.name, evd.why_kept(p.starts_at, p.ends_at)
  from evd.partitions() p where p.ends_at <= p_before
$$;
