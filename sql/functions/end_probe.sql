-- The end of a node's probe. The handler was heard: its breaker closes. It was not: the next probe waits longer. A
-- node that no longer has the lease changes nothing, and gets false. Writes handler; appends to alert.
create or replace function evd.end_probe(p_node bigint, p_handler text, p_was_heard boolean) returns boolean
language plpgsql
as $$
begin
  perform from evd.handler h
    where h.name = p_handler and h.probe_node = p_node and h.probe_until >= clock_timestamp()
    for no key update;
  if not found then
    return false;
  elsif p_was_heard then
    perform evd.close_breaker(p_handler);
  else
    update evd.handler h
      set probes = h.probes + 1, probe_node = null, probe_until = null,
          probe_at = clock_timestamp() + evd.probe_delay(h.name, h.probes + 1)
      where h.name = p_handler;
  end if;
  return true;
end
$$;
