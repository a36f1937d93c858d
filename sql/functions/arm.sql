-- Asks emitters for a NOTIFY from now on. An emitter in flight may have read the flag before: the caller polls until
-- evd.is_past of the result, and only then sleeps. Writes sleeper.
create or replace function evd.arm() returns xid8
language sql
as $$
  select setval('evd.sleeper', 2);
  select pg_current_xact_id();
$$;
