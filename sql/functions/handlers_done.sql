-- The handlers of an event that ran, in the order of its expected ones. Reads what evd.event_pairs reads.
create or replace function evd.handlers_done(p_event evd.event) returns text[]
language sql stable
as $$
  select array(select p.handler from evd.event_pairs(p_event) p where p.state = 'done' order by p.ordinal)
$$;
