-- Records that a run of a pair is done. One that never had trouble leaves no row. Returns false when the run is no
-- longer the current one of p_node. Writes delivery; appends to alert.
create or replace function evd.end_delivery(p_event_id bigint, p_handler text, p_run integer, p_node bigint)
returns boolean
language plpgsql
as $$
declare
  v_alerted boolean;
begin
  delete from evd.delivery
    where event_id = p_event_id and handler = p_handler and run = p_run and state = 'running' and node_id = p_node
      and run = 1 and last_error is null and round = 0 and not suspect and not alerted;
  if found then
    return true;
  end if;
  update evd.delivery set state = 'done', node_id = null, ended_at = clock_timestamp(), handed_back = 0
    where event_id = p_event_id and handler = p_handler and run = p_run and state = 'running' and node_id = p_node
    returning alerted into v_alerted;
  if v_alerted then
    perform evd.raise_alert('recovered', p_event_id, p_handler, null);
  end if;
  return v_alerted is not null;
end
$$;
