-- How long to wait after the p_attempts-th failure of a handler: exponential, with jitter, bounded. Reads handler.
create or replace function evd.retry_delay(p_handler text, p_attempts integer) returns interval
language sql volatile
as $$
  select least(h.backoff_max, h.backoff_base * least(h.backoff_factor ^ greatest(p_attempts - 1, 0), 1e9))
         * (1 + h.backoff_jitter * (2 * random() - 1))
  from (select backoff_base, backoff_factor, backoff_max, backoff_jitter from evd.handler where name = p_handler
        union all select '10 seconds', 3.0, '1 hour', 0.2 limit 1) h
$$;
