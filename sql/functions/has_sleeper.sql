-- Whether a daemon sleeps that is to be notified. Whoever asks after a write asks in a later expression. Reads sleeper.
--
-- By the function, as a query for last_value takes an executor of its own, which an emit feels.
create or replace function evd.has_sleeper() returns boolean
language sql
as $$
  select pg_sequence_last_value('evd.sleeper'::regclass) = 2
$$;
