-- Gives an attempt that a graceful stop interrupted back, uncounted; the third in a row counts, so that an attempt
-- that never ends cannot go on for ever. Returns false when the run is no longer the current one of p_node.
-- Writes delivery; appends to attempt, alert.
create or replace function evd.hand_back(p_event_id bigint, p_handler text, p_run integer, p_node bigint)
returns boolean
language plpgsql
as $$
begin
  update evd.delivery
    set state = 'waiting', node_id = null, next_at = clock_timestamp(), attempts = attempts - 1,
        handed_back = handed_back + 1
    where event_id = p_event_id and handler = p_handler and run = p_run and state = 'running' and node_id = p_node
      and handed_back < 2;
  if found then
    return true;
  end if;
  return evd.fail_delivery(p_event_id, p_handler, p_run, p_node, 'interrupted by a stop for the third time in a row',
                           false, null) is not null;
end
$$;
