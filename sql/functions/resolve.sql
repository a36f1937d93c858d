-- A person dealt with what is missing of an event: nothing runs it any more. Who and why is kept. Returns each handler
-- with what came of it: resolved; still running: …; already done; already resolved.
-- VE003, VE004 as evd.re_emit. Reads event, event_window, window_part, route; writes delivery; appends to action, alert.
create or replace function evd.resolve(p_event_id bigint, p_handler text default null, p_why text default null,
                                       p_actor text default null) returns table (handler text, result text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
  v_pair    record;
  v_alerted boolean;
begin
  if coalesce(trim(p_why), '') = '' then
    raise 'why: say why nothing is to run it any more' using errcode = '22023';
  end if;
  perform evd.check_pair(p_event_id, p_handler);
  perform from evd.delivery d where d.event_id = p_event_id order by d.handler for no key update;
  for v_pair in
    select e as event, p.* from evd.events_by_id(array[p_event_id]) e cross join lateral evd.event_pairs(e) p
    where p_handler is null or p.handler = p_handler
    order by p.ordinal
  loop
    handler := v_pair.handler;
    if v_pair.state in ('waiting', 'escalated') then
      update evd.delivery d set state = 'resolved', ended_at = clock_timestamp()
        where d.event_id = p_event_id and d.handler = v_pair.handler
        returning d.alerted into v_alerted;
      insert into evd.action (action, event_id, handler, actor, why)
        values ('resolve', p_event_id, v_pair.handler, evd.actor_name(p_actor), p_why);
      if v_alerted then
        perform evd.raise_alert('recovered', p_event_id, v_pair.handler, null);
      end if;
      result := 'resolved';
    else
      result := coalesce(evd.why_not_now(v_pair.event, v_pair.handler, v_pair.state, v_pair.is_taken),
                         'already ' || v_pair.state);
    end if;
    return next;
  end loop;
end
$$;
