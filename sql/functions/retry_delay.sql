-- How long to wait after the p_attempts-th failure of a handler: exponential, with jitter, bounded. The power is taken as a
-- bounded exponential, since a person's re-emits can make the attempts many. Reads handler.
create or replace function evd.retry_delay(p_handler text, p_attempts integer) returns interval
language sql volatile
as $$
  select make_interval(secs => least(extract(epoch from h.backoff_max)::double precision,
                                     extract(epoch from h.backoff_base)::double precision
                                     * exp(least(greatest(p_attempts - 1, 0) * ln(h.backoff_factor), 40)))
                               * (1 + h.backoff_jitter * (2 * random() - 1)))
  from (select backoff_base, backoff_factor, backoff_max, backoff_jitter from evd.handler where name = p_handler
        union all select '10 seconds', 3.0, '1 hour', 0.2 limit 1) h
$$;
