-- A delivery, locked by the caller, whose node died while it ran: it is due again, as a suspect that runs alone, or that
-- was its last attempt. Writes delivery; appends to attempt, alert.
create or replace function evd.take_over_delivery(p_delivery evd.delivery) returns void
language plpgsql
as $$
begin
  if p_delivery.attempts >= p_delivery.max_attempts then
    perform evd.fail_delivery(p_delivery.event_id, p_delivery.handler, p_delivery.run, p_delivery.node_id,
                              'the process that ran it died, in its last attempt', true, null);
  else
    update evd.delivery set state = 'waiting', node_id = null, suspect = true, next_at = clock_timestamp()
      where event_id = p_delivery.event_id and handler = p_delivery.handler;
  end if;
end
$$;
