-- How long to wait after the p_failures-th failure in a row of a channel: 5 s, doubling up to 5 minutes. Reads nothing.
create or replace function evd.alert_backoff(p_failures integer) returns interval
language sql immutable
as $$
  select least(interval '5 minutes', interval '5 seconds' * power(2, least(p_failures, 10) - 1))
$$;
