-- Runs an sql handler for one delivery that p_node has taken, and records it as done in the same transaction.
-- Returns false when the run is no longer the node's. An error of the handler is raised as it is: nothing happened.
-- Reads delivery, event, route, meta; writes delivery, appends to alert, and whatever the statement does.
create or replace function evd.run_sql_delivery(p_event_id bigint, p_handler text, p_run integer, p_node bigint,
                                                p_statement text) returns boolean
language plpgsql
as $$
declare
  d       evd.delivery;
  v_event evd.event;
  v_json  jsonb;
begin
  perform evd.sign_transaction(p_node);
  select * into d from evd.delivery
    where event_id = p_event_id and handler = p_handler and run = p_run and state = 'running' and node_id = p_node
    for no key update;
  if not found then
    return false;
  end if;
  select * into v_event from evd.event
    where created_at = d.event_created_at and xid = d.event_xid and id = d.event_id;
  select evd.event_json(v_event, r.event_name, m.instance, p_handler, d.attempts, d.round) into v_json
    from evd.route r cross join evd.meta m where r.id = v_event.route_id;
  if evd.takes_a_batch(p_statement) then
    execute p_statement using array[v_json];
  else
    execute p_statement using v_json;
  end if;
  return evd.end_delivery(p_event_id, p_handler, p_run, p_node);
end
$$;
