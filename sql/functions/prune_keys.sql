-- Deletes up to p_limit of each kind: dedup keys past their time, batches whose outcome nobody can ask for any more, keys of
-- evd.first_time from before the oldest event that is kept, and nodes that left before it. Returns how many. Writes dedup,
-- once, ingest_batch, node; reads meta.
create or replace function evd.prune_keys(p_limit integer) returns integer
language sql
as $$
  with begins as materialized (
    select evd.log_begins_at() as at),
  keys as (
    delete from evd.dedup where ctid = any (array(
      select d.ctid from evd.dedup d
      where d.created_at < clock_timestamp() - (select m.dedup_retention from evd.meta m) limit p_limit))
    returning 1),
  batches as (
    delete from evd.ingest_batch where ctid = any (array(
      select b.ctid from evd.ingest_batch b where b.created_at < clock_timestamp() - interval '7 days' limit p_limit))
    returning 1),
  onces as (
    delete from evd.once where ctid = any (array(
      select o.ctid from evd.once o where o.created_at < (select b.at from begins b) limit p_limit))
    returning 1),
  nodes as (
    delete from evd.node where id = any (array(
      select n.id from evd.node n where coalesce(n.fenced_at, n.stopped_at) < (select b.at from begins b) limit p_limit))
    returning 1)
  select ((select count(*) from keys) + (select count(*) from batches) + (select count(*) from onces)
          + (select count(*) from nodes))::integer
$$;
