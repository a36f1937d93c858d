-- Runs again what is missing of an event, with fresh attempts; with p_all also what is done or resolved, and then with
-- p_new_key under a new idempotency key. Returns each handler with what came of it, as evd.re_emit_many. VE004: no such
-- event. VE003: the event does not expect the handler. Writes what evd.re_emit_many writes.
create or replace function evd.re_emit(p_event_id bigint, p_handler text default null, p_all boolean default false,
                                       p_new_key boolean default false, p_actor text default null,
                                       p_why text default null) returns table (handler text, result text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform evd.check_pair(p_event_id, p_handler);
  return query
    select m.handler, m.result
    from evd.re_emit_many(array[p_event_id], p_handler, p_all, p_new_key, p_actor, p_why) m;
end
$$;
