-- An event in the form in which evd.emit_many takes it: what its emitter said of it, and nothing that the log added. Put
-- together as text, since removing what is null from a jsonb would reach into the args. Reads nothing.
create or replace function evd.event_line(p_event evd.event, p_event_name text) returns text
language sql stable
as $$
  select '{"event_name": ' || to_json(p_event_name)::text || ', "args": ' || p_event.args::text
         || coalesce(', "key": ' || to_json(p_event.key)::text, '')
         || coalesce(', "deliver_at": "' || evd.iso_time(p_event.due_at) || '"', '')
         || coalesce(', "headers": ' || p_event.headers::text, '') || '}'
$$;
