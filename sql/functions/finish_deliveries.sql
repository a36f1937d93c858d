-- Records the outcomes of runs of deliveries; the arrays are parallel. p_outcomes: done, retry, failed (for good),
-- handed_back (interrupted by a stop; uncounted, but not more than twice in a row). Returns how many runs were still
-- p_node's to report. Writes delivery; appends to attempt, alert.
create or replace function evd.finish_deliveries(p_node bigint, p_event_ids bigint[], p_handlers text[],
                                                 p_runs integer[], p_outcomes text[], p_errors text[],
                                                 p_retry_after double precision[]) returns integer
language plpgsql
as $$
declare
  v_result  record;
  v_applied integer := 0;
begin
  -- Whatever may escalate commits as the database is configured; what is handed back a third time counts.
  if p_outcomes <@ array['done'] then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  for v_result in
    select * from unnest(p_event_ids, p_handlers, p_runs, p_outcomes, p_errors, p_retry_after)
      u (event_id, handler, run, outcome, error, retry_after)
    order by u.event_id, u.handler   -- the same order everywhere: no deadlocks
  loop
    v_applied := v_applied + case v_result.outcome
      when 'done' then
        evd.end_delivery(v_result.event_id, v_result.handler, v_result.run, p_node)::integer
      when 'handed_back' then
        evd.hand_back(v_result.event_id, v_result.handler, v_result.run, p_node)::integer
      else
        (evd.fail_delivery(v_result.event_id, v_result.handler, v_result.run, p_node, v_result.error,
                           v_result.outcome = 'failed', v_result.retry_after) is not null)::integer
      end;
  end loop;
  return v_applied;
end
$$;
