-- Frees up to p_limit windows, parts and running deliveries that fenced nodes hold; call it until it returns 0.
-- Pairs whose handler is not sql may have run, so each counts one attempt; an sql handler's share goes on from where
-- its batches came. Sessions amid a batch for a dead node are ended where that is allowed; what is locked all the same is
-- left for the next pass.
-- Reads node, event_window, event, route, handler; writes event_window, window_part, delivery; appends to attempt,
-- alert. Returns how many windows, parts and deliveries it freed.
create or replace function evd.take_over(p_limit integer) returns integer
language plpgsql
as $$
declare
  v_row  record;
  v_done integer := 0;
begin
  perform evd.end_sessions_of_fenced();
  for v_row in
    select w.id, w.node_id from evd.event_window w
    where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1) and w.closed_at is null
      and w.node_id in (select n.id from evd.node n where n.fenced_at is not null)
    order by w.id limit p_limit
    for no key update skip locked
  loop
    perform evd.take_over_window(v_row.id, v_row.node_id);
    v_done := v_done + 1;
  end loop;

  for v_row in
    select p.window_id, p.handler from evd.window_part p
    where p.state = 'deferred' and p.node_id in (select n.id from evd.node n where n.fenced_at is not null)
    limit p_limit
    for no key update skip locked
  loop
    update evd.window_part set node_id = null, token = null
      where window_id = v_row.window_id and handler = v_row.handler;
    v_done := v_done + 1;
  end loop;

  for v_row in
    select d.event_id, d.handler, d.run, d.node_id, d.attempts >= d.max_attempts as is_last from evd.delivery d
    where d.state = 'running' and d.node_id in (select n.id from evd.node n where n.fenced_at is not null)
    order by d.event_id, d.handler limit p_limit
    for no key update skip locked
  loop
    if v_row.is_last then
      perform evd.fail_delivery(v_row.event_id, v_row.handler, v_row.run, v_row.node_id,
                                'the process that ran it died, in its last attempt', true, null);
    else
      update evd.delivery set state = 'waiting', node_id = null, suspect = true, next_at = clock_timestamp()
        where event_id = v_row.event_id and handler = v_row.handler;
    end if;
    v_done := v_done + 1;
  end loop;
  return v_done;
end
$$;
