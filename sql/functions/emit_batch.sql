-- Emits an array of events, as evd.emit_many, once for each `batch`: where it was written before, nothing is, and the
-- answer is null. So whoever does not know whether their commit succeeded can repeat it. A second caller with the same
-- waits for the first to commit or roll back. Appends to ingest_batch, event, dedup.
create or replace function evd.emit_batch(batch uuid, events jsonb) returns bigint[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into evd.ingest_batch (id) values (batch) on conflict do nothing;
  if not found then
    return null;
  end if;
  return evd.write_events(events);
end
$$;
