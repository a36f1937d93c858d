-- Closes a window for the node that holds it; arguments as evd.settle_window. Locks event_window.
-- Returns 'closed'; 'gone' when it was taken over, and what the node did since does not count; 'busy' while an
-- sql batch of the window is running.
create or replace function evd.close_window(p_window bigint, p_node bigint, p_token bigint, p_deferred text[],
                                            p_upto_xids xid8[], p_upto_ids bigint[], p_event_ids bigint[], p_handlers text[], p_states text[],
                                            p_errors text[], p_retry_after double precision[], p_later boolean)
returns text
language plpgsql
as $$
begin
  -- Losing a close only repeats its window; an escalation commits as the database is configured.
  if not p_states && array['retry', 'failed'] then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  perform from evd.event_window
    where id = p_window and node_id = p_node and token = p_token and closed_at is null
    for no key update skip locked;
  if not found then
    return case when exists (select from evd.event_window where id = p_window and node_id = p_node and token = p_token
                                                            and closed_at is null)
                then 'busy' else 'gone' end;
  end if;
  if cardinality(p_event_ids) > 0 or cardinality(p_deferred) > 0 or p_later
     or exists (select from evd.window_part where window_id = p_window) then
    perform evd.settle_window(p_window, p_node, p_deferred, p_upto_xids, p_upto_ids, p_event_ids, p_handlers, p_states,
                              p_errors, p_retry_after, p_later);
  else
    update evd.event_window set closed_at = clock_timestamp() where id = p_window;
  end if;
  return 'closed';
end
$$;
