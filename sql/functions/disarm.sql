-- Nobody sleeps: emitters need not notify. Another node that does sleep finds its events by its slow poll.
-- Writes sleeper.
create or replace function evd.disarm() returns void
language sql
as $$
  select setval('evd.sleeper', 1);
$$;
