-- How long an open breaker waits before its next probe, after as many that failed: as the handler's retries, but a
-- minute at the most. Reads handler.
create or replace function evd.probe_delay(p_handler text, p_failed integer) returns interval
language sql
as $$
  select least(evd.retry_delay(p_handler, p_failed + 1), interval '1 minute')
$$;
