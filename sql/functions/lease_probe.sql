-- Lets a node make the next probe of a handler whose breaker is open, or makes its lease last longer. One node at a
-- time; a lease that is not renewed ends by itself. Returns false when it is not its turn. VE020: the node is fenced.
-- Reads node; writes handler.
create or replace function evd.lease_probe(p_node bigint, p_handler text) returns boolean
language plpgsql
as $$
begin
  perform evd.check_living(p_node);
  update evd.handler h set probe_node = p_node, probe_until = clock_timestamp() + interval '30 seconds'
    where h.name = p_handler and evd.may_probe(h, p_node);
  return found;
end
$$;
