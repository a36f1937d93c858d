-- Opens a handler's breaker, found out of reach by a node: nobody runs it but for one probe at a time. Its owner is
-- told. Returns false when it was open already. VE020: the node is fenced. Reads node; writes handler; appends to alert.
create or replace function evd.open_breaker(p_node bigint, p_handler text, p_error text) returns boolean
language plpgsql
as $$
begin
  perform evd.check_living(p_node);
  update evd.handler h
    set breaker_opened_at = clock_timestamp(), breaker_error = p_error, probes = 0,
        probe_at = clock_timestamp() + evd.probe_delay(h.name, 0)
    where h.name = p_handler and h.breaker_opened_at is null;
  if not found then
    return false;
  end if;
  insert into evd.alert (kind, handler, owner, error)
    select 'stalled', h.name, h.owner, evd.why_stalled(h.name, null) from evd.handler h where h.name = p_handler;
  return true;
end
$$;
