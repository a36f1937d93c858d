-- evd.re_emit for many events at once; ids that are unknown, and handlers that an event does not expect, are left out.
-- Only a pair that nothing else can be running is touched. result: re-emitted; still running: …; already done;
-- already resolved; not due before ….
-- Reads event, event_window, window_part, route, handler; writes delivery, handler; appends to action. Wakes evd.
create or replace function evd.re_emit_many(p_event_ids bigint[], p_handler text default null,
                                            p_all boolean default false, p_new_key boolean default false,
                                            p_actor text default null, p_why text default null)
returns table (event_id bigint, handler text, result text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
declare
  v_pair record;
  v_any  boolean := false;
begin
  -- In one order everywhere: no deadlocks.
  perform from evd.delivery d where d.event_id = any (p_event_ids) order by d.event_id, d.handler for no key update;
  for v_pair in
    select e as event, p.* from evd.events_by_id(array(select distinct unnest(p_event_ids) order by 1)) e
    cross join lateral evd.event_pairs(e) p
    where p_handler is null or p.handler = p_handler
    order by e.id, p.ordinal
  loop
    event_id := (v_pair.event).id;
    handler := v_pair.handler;
    result := coalesce(evd.why_not_now(v_pair.event, v_pair.handler, v_pair.state, v_pair.is_taken), case
      when v_pair.state = 'done' and not p_all then 'already done'
      when v_pair.state = 'resolved' and not p_all then 'already resolved' end);
    if result is null then
      perform evd.start_over(v_pair.event, v_pair.handler, p_new_key and v_pair.state in ('done', 'resolved'));
      insert into evd.action (action, event_id, handler, actor, why)
        values ('re_emit', event_id, handler, evd.actor_name(p_actor), p_why);
      result := 're-emitted';
      v_any := true;
    end if;
    return next;
  end loop;
  if v_any then
    -- Somebody mended the handler, maybe: its breaker finds out at once.
    update evd.handler h set probe_at = clock_timestamp()
      where h.breaker_opened_at is not null and h.probe_at > clock_timestamp()
        and (p_handler is null or h.name = p_handler);
    perform evd.wake();
  end if;
end
$$;
