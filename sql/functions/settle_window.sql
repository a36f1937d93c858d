-- The end of a window that the caller has locked: whatever is not done gets a row, and the window closes.
-- Reads window_part, event, route, handler; writes window_part, delivery, attempt, alert, event_window.
--
-- p_deferred names handlers whose share behind a position (p_upto_xids, p_upto_ids) is put off as one part. The other
-- arrays are parallel, an element per pair before it that is not done:
--   queued   it was started and interrupted by a stop
--   running  it is running on p_node, which will report it as run 1
--   retry    it failed (p_errors, p_retry_after in seconds or null)
--   failed   it failed for good
--   lost     its node died; it may have run
-- p_later: there may be events that are due only after the window opened. No part covers them.
create or replace function evd.settle_window(p_window bigint, p_node bigint, p_deferred text[],
                                             p_upto_xids xid8[], p_upto_ids bigint[], p_event_ids bigint[],
                                             p_handlers text[], p_states text[], p_errors text[],
                                             p_retry_after double precision[], p_later boolean) returns void
language plpgsql
as $$
declare
  v_entry record;
begin
  -- A share that sql batches have begun and not finished goes on from where they came.
  update evd.window_part p set state = 'deferred'
    from evd.event_window w
    where p.window_id = p_window and w.id = p_window and p.state = 'done'
      and (p.upto_xid, p.upto_id) < (w.to_xid, w.to_id);
  if p_later then
    perform evd.spill_later(p_window);
  end if;
  if cardinality(p_event_ids) > 0 then
    perform evd.spill(p_window, p_node, p_event_ids, p_handlers, p_states);
  end if;
  insert into evd.window_part (window_id, handler, state, upto_xid, upto_id)
    select p_window, u.handler, 'deferred', u.xid, u.id
    from unnest(p_deferred, p_upto_xids, p_upto_ids) u (handler, xid, id)
    on conflict do nothing;
  delete from evd.window_part p where p.window_id = p_window and p.state = 'done';

  for v_entry in
    select * from unnest(p_event_ids, p_handlers, p_states, p_errors, p_retry_after) u (event_id, handler, state, error,
                                                                                         retry_after)
    where u.state in ('retry', 'failed', 'lost')
  loop
    perform evd.fail_delivery(v_entry.event_id, v_entry.handler, 1, p_node, v_entry.error, v_entry.state = 'failed',
                              v_entry.retry_after);
  end loop;
  update evd.event_window set closed_at = clock_timestamp() where id = p_window;
end
$$;
