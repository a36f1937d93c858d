-- Ends the lease of a part. Pairs up to a position are done, or get deliveries (parallel arrays, states as
-- evd.settle_window); the rest stays a part for whoever takes it next. p_upto_xid null: there is no rest.
-- Returns false when the lease was lost. Writes window_part, delivery, attempt, alert.
create or replace function evd.close_part(p_window bigint, p_handler text, p_node bigint, p_token bigint,
                                          p_upto_xid xid8, p_upto_id bigint, p_event_ids bigint[], p_states text[],
                                          p_errors text[], p_retry_after double precision[]) returns boolean
language plpgsql
as $$
declare
  v_entry    record;
  v_was_told boolean := false;
  v_handlers text[] := array_fill(p_handler, array[cardinality(p_event_ids)]);
begin
  if not p_states && array['retry', 'failed'] then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  if p_upto_xid is null then
    delete from evd.window_part
      where window_id = p_window and handler = p_handler and node_id = p_node and token = p_token
      returning stalled_at is not null into v_was_told;
  else
    update evd.window_part
      set node_id = null, token = null, next_at = clock_timestamp(), upto_xid = p_upto_xid, upto_id = p_upto_id
      where window_id = p_window and handler = p_handler and node_id = p_node and token = p_token;
  end if;
  if not found then
    return false;
  end if;
  if v_was_told then
    perform evd.tell_handler_recovered(p_handler);
  end if;
  perform evd.spill(p_window, p_node, p_event_ids, v_handlers, p_states);
  for v_entry in
    select * from unnest(p_event_ids, p_states, p_errors, p_retry_after) u (event_id, state, error, retry_after)
    where u.state in ('retry', 'failed')
  loop
    perform evd.fail_delivery(v_entry.event_id, p_handler, 1, p_node, v_entry.error, v_entry.state = 'failed',
                              v_entry.retry_after);
  end loop;
  return true;
end
$$;
