-- The members of an event as every handler gets it, for to_jsonb(). Reads nothing: the name and the instance are the
-- caller's to look up, so that the planner can put this into a query over many events.
--
-- They stand in the order in which jsonb keeps them, and are not paired with their names for each event: against
-- jsonb_build_object that halves what it takes to build the object.
create or replace function evd.event_document(p_event evd.event, p_event_name text, p_instance text, p_handler text,
                                              p_attempt integer, p_round integer)
returns table (id bigint, key text, args jsonb, attempt integer, handler text, headers jsonb, created_at text,
               event_name text, idempotency_key text)
language sql stable rows 1
as $$
  select p_event.id,
         p_event.key,
         p_event.args,
         p_attempt,
         p_handler,
         coalesce(p_event.headers, '{}'),
         evd.iso_time(p_event.created_at),
         p_event_name,
         evd.idempotency_key(p_instance, p_event.id, p_handler, p_round)
$$;
