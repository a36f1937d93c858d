-- The next event of an sql handler's share failed when it ran alone: it becomes a delivery, and the share goes on
-- behind it, in one transaction. p_after_xid, p_after_id: where the share was when the event ran, if the caller knows
-- less than that it failed: a share that has come further meanwhile is left as it is, for the event was done. Returns whether the share is done to its end, or null when it is no longer the node's.
-- Reads event_window, event, route, handler; writes window_part, delivery; appends to attempt, alert.
create or replace function evd.fail_sql_event(p_window bigint, p_handler text, p_node bigint, p_token bigint,
                                              p_error text, p_permanent boolean, p_retry_after double precision,
                                              p_after_xid xid8 default null, p_after_id bigint default null)
returns boolean
language plpgsql
as $$
declare
  v_share   record;
  v_event   evd.event;
  v_is_done boolean;
begin
  select * into v_share from evd.hold_share(p_window, p_handler, p_node, p_token);
  if not found then
    return null;
  end if;
  if (v_share.upto_xid, v_share.upto_id) <> (p_after_xid, p_after_id) then
    return (v_share.upto_xid, v_share.upto_id) = (v_share.to_xid, v_share.to_id);
  end if;
  select * into v_event from evd.window_events(p_window, v_share.upto_xid, v_share.upto_id, 1);
  insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, state, run, attempts, max_attempts,
                            deadline_at, node_id, started_at)
    select v_event.id, p_handler, v_event.xid, v_event.created_at, v_event.route_id, 'running', 1, 1,
           coalesce(h.max_attempts, 10), greatest(v_event.created_at, v_event.due_at) + r.deadline, p_node,
           clock_timestamp()
    from evd.route r left join evd.handler h on h.name = p_handler
    where r.id = v_event.route_id
    on conflict do nothing;
  perform evd.fail_delivery(v_event.id, p_handler, 1, p_node, p_error, p_permanent, p_retry_after);
  v_is_done := (v_event.xid, v_event.id) = (v_share.to_xid, v_share.to_id);
  perform evd.advance_share(p_window, p_handler, v_share.is_open, v_event.xid, v_event.id, v_is_done);
  return v_is_done;
end
$$;
