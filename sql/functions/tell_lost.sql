-- Has somebody told that a handler failed for an event which is not tracked, and is in no log. Reads route, handler;
-- appends to alert.
create or replace function evd.tell_lost(p_event_name text, p_handler text, p_error text) returns void
language sql
as $$
  insert into evd.alert (kind, event_name, handler, owner, error)
  select 'emit_failed', p_event_name, p_handler,
         coalesce((select h.owner from evd.handler h where h.name = p_handler),
                  (select r.owner from evd.route r where r.event_name = p_event_name and r.is_current)),
         p_error
$$;
