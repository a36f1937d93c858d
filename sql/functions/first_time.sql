-- True once per key, in the caller's transaction; a second caller waits for the first to commit or roll back.
-- Appends to once.
create or replace function evd.first_time(idempotency_key text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into evd.once (key) values (idempotency_key) on conflict do nothing;
  return found;
end
$$;
