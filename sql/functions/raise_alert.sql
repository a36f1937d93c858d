-- Appends an alert about a pair to the outbox, and remembers that a "recovered" is owed.
-- Reads delivery, route, handler; appends to alert; writes delivery.
create or replace function evd.raise_alert(p_kind text, p_event_id bigint, p_handler text, p_error text) returns void
language sql
as $$
  insert into evd.alert (kind, event_name, event_id, handler, owner, attempts, error)
  select p_kind, r.event_name, d.event_id, d.handler, coalesce(h.owner, r.owner), d.attempts, p_error
  from evd.delivery d
  join evd.route r on r.id = d.route_id
  left join evd.handler h on h.name = d.handler
  where d.event_id = p_event_id and d.handler = p_handler;
  update evd.delivery set alerted = p_kind <> 'recovered' where event_id = p_event_id and handler = p_handler;
$$;
