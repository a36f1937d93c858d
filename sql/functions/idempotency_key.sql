-- The key under which a handler's effect is to happen once: the same in every attempt and re-emit, until a
-- person asks for a new round. Reads nothing.
create or replace function evd.idempotency_key(p_instance text, p_event_id bigint, p_handler text, p_round integer)
returns text
language sql stable
as $$
  select concat_ws(':', coalesce(p_instance, 'evd'), p_event_id, p_handler, 'r' || nullif(p_round, 0))
$$;
