-- Lets a node make the next probe of a handler whose breaker is open, or makes its lease last longer. One node at a
-- time; a lease that is not renewed ends by itself. Returns false when it is not its turn. VE020: the node is fenced.
-- Reads node; writes handler.
create or replace function evd.lease_probe(p_node bigint, p_handler text) returns boolean
language plpgsql
as $$
begin
  perform evd.check_living(p_node);
  update evd.handler h set probe_node = p_node, probe_until = clock_timestamp() + interval '30 seconds'
    where h.name = p_handler and h.breaker_opened_at is not null
      and case when h.probe_until >= clock_timestamp() then h.probe_node = p_node
               else h.probe_at <= clock_timestamp() end;
  return found;
end
$$;
