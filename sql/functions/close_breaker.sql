-- Lets a handler run again. Returns whether its breaker was open. Wakes evd. Writes handler; appends to alert.
create or replace function evd.close_breaker(p_handler text) returns boolean
language plpgsql
as $$
begin
  update evd.handler
    set breaker_opened_at = null, breaker_error = null, probes = 0, probe_at = null, probe_node = null,
        probe_until = null
    where name = p_handler and breaker_opened_at is not null;
  if not found then
    return false;
  end if;
  perform evd.tell_handler_recovered(p_handler);
  perform evd.wake();
  return true;
end
$$;
