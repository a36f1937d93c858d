-- Closes a window, locked by the caller, whose node is fenced. Reads event, route, handler, window_part; writes what
-- evd.settle_window writes.
create or replace function evd.take_over_window(p_window bigint, p_node bigint) returns void
language plpgsql
as $$
declare
  v_sql  text[];
  v_lost record;
begin
  select coalesce(array_agg(h.name), '{}') into v_sql from evd.handler h where h.kind = 'sql';
  select coalesce(array_agg(e.id), '{}') as event_ids, coalesce(array_agg(x.handler), '{}') as handlers,
         array_fill('lost'::text, array[count(*)::integer]) as states,
         array_fill('the process that ran it died, in its last attempt'::text, array[count(*)::integer]) as errors,
         array_fill(null::double precision, array[count(*)::integer]) as retry_after
    into v_lost
    from evd.window_events(p_window) e
    join evd.event_window w on w.id = p_window and (e.due_at is null or e.due_at <= w.opened_at)
    join evd.route r on r.id = e.route_id
    cross join unnest(r.expected) x (handler)
    where x.handler <> all (v_sql);
  -- An sql handler's share with a part goes on from there; one without has not begun.
  select coalesce(array_agg(distinct x.handler), '{}') into v_sql
    from evd.window_events(p_window) e
    join evd.route r on r.id = e.route_id
    cross join unnest(r.expected) x (handler)
    where x.handler = any (v_sql)
      and not exists (select from evd.window_part p where p.window_id = p_window and p.handler = x.handler);
  perform evd.settle_window(p_window, p_node, v_sql, array_fill('0'::xid8, array[cardinality(v_sql)]),
                            array_fill(-1::bigint, array[cardinality(v_sql)]), v_lost.event_ids, v_lost.handlers, v_lost.states, v_lost.errors,
                            v_lost.retry_after, true);
end
$$;
