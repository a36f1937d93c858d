-- The ids of the events that a batch without dedup keys wrote, in the order of its array; null: it wrote none.
-- Reads ingest_batch, event.
create or replace function evd.batch_ids(batch uuid) returns bigint[]
language sql stable
as $$
  select array_agg(e.id order by e.id)
  from evd.ingest_batch b join evd.event e on e.xid = b.xid
  where b.id = batch
$$;
