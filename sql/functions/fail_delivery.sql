-- Records that a run of a pair failed, and decides what comes next: another attempt after the handler's backoff, or
-- escalation, with its alert in the same transaction. Returns the new state, or null when the run is no longer the
-- current one of p_node. Reads handler, route; writes delivery; appends to attempt, alert.
create or replace function evd.fail_delivery(p_event_id bigint, p_handler text, p_run integer, p_node bigint,
                                             p_error text, p_permanent boolean, p_retry_after double precision)
returns text
language plpgsql
as $$
declare
  d     evd.delivery;
  v_over boolean;
begin
  select * into d from evd.delivery
    where event_id = p_event_id and handler = p_handler and run = p_run and state = 'running'
      and node_id is not distinct from p_node
    for no key update;
  if not found then
    return null;
  end if;
  v_over := p_permanent or d.attempts >= d.max_attempts;
  update evd.delivery
    set state = case when v_over then 'escalated' else 'waiting' end,
        node_id = null, ended_at = clock_timestamp(), handed_back = 0, last_error = p_error,
        next_at = clock_timestamp() + greatest(evd.retry_delay(p_handler, d.attempts),
                                               make_interval(secs => coalesce(p_retry_after, 0)))
    where event_id = p_event_id and handler = p_handler;
  insert into evd.attempt (event_id, handler, run, node_id, started_at, error)
    values (p_event_id, p_handler, p_run, p_node, d.started_at, coalesce(p_error, 'failed'))
    on conflict do nothing;
  if v_over then
    perform evd.raise_alert('escalated', p_event_id, p_handler, p_error);
  elsif d.attempts = (select h.alert_after from evd.handler h where h.name = p_handler) then
    perform evd.raise_alert('failing', p_event_id, p_handler, p_error);
  end if;
  return case when v_over then 'escalated' else 'waiting' end;
end
$$;
