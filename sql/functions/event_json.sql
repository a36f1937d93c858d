-- One event as every handler gets it. Queries over many use evd.event_document. Reads nothing.
create or replace function evd.event_json(p_event evd.event, p_event_name text, p_instance text, p_handler text,
                                          p_attempt integer, p_round integer) returns jsonb
language sql stable
as $$
  select to_jsonb(d) from evd.event_document(p_event, p_event_name, p_instance, p_handler, p_attempt, p_round) d
$$;
