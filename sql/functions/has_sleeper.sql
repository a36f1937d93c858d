-- Whether a daemon sleeps that is to be notified: to be called after the write that it is to see. Reads sleeper.
--
-- By the function, as a query for last_value takes an executor of its own, which an emit feels.
create or replace function evd.has_sleeper() returns boolean
language sql
as $$
  select coalesce(pg_sequence_last_value('evd.sleeper'::regclass), 1) = 2
$$;
