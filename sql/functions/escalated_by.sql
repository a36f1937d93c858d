-- How many pairs are escalated by an attempt of a node. Reads delivery, attempt.
create or replace function evd.escalated_by(p_node bigint) returns integer
language sql stable
as $$
  select count(*)::integer from evd.delivery d
  join evd.attempt a on a.event_id = d.event_id and a.handler = d.handler and a.run = d.run and a.node_id = p_node
  where d.state = 'escalated'
$$;
