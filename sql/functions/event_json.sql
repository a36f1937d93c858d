-- The event as every handler gets it. Reads nothing: the name and the instance are the caller's to look up, so that the
-- planner can put this into a query over many events.
create or replace function evd.event_json(p_event evd.event, p_event_name text, p_instance text, p_handler text,
                                          p_attempt integer, p_round integer) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'id', p_event.id,
    'event_name', p_event_name,
    'created_at', evd.iso_time(p_event.created_at),
    'args', p_event.args,
    'key', p_event.key,
    'headers', coalesce(p_event.headers, '{}'),
    'handler', p_handler,
    'attempt', p_attempt,
    'idempotency_key', evd.idempotency_key(p_instance, p_event.id, p_handler, p_round))
$$;
