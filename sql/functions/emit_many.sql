-- Writes events given as an array of objects with the arguments of evd.emit as keys; returns their ids in the
-- same order. All or nothing. Reads route, meta, sleeper; appends to event, dedup.
-- VE001, VE002, 22023 as evd.emit, naming the index.
create or replace function evd.emit_many(events jsonb) returns bigint[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return evd.write_events(events);
end
$$;
