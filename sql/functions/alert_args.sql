-- The beginning of an event's args as text, for alerts of channels that ask for them; null when the pair has no row.
-- Reads delivery, event.
create or replace function evd.alert_args(p_event_id bigint, p_handler text) returns text
language sql stable
as $$
  select left(e.args::text, 1000)
  from evd.delivery d
  join evd.event e on e.created_at = d.event_created_at and e.xid = d.event_xid and e.id = d.event_id
  where d.event_id = p_event_id and d.handler = p_handler
$$;
