-- Whether every handler of an event ran, or a person settled it. Reads what evd.event_pairs reads.
create or replace function evd.is_settled(p_event evd.event) returns boolean
language sql stable
as $$
  select not exists (select from evd.event_pairs(p_event) p where p.state not in ('done', 'resolved'))
$$;
