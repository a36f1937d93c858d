-- After a node lost its connection: what it holds without knowing, because the answer to a claim or a take was lost,
-- never started, and is given back uncounted. Reads event_window, event, route; writes event_window, window_part,
-- delivery. Returns the node's open windows that are left.
create or replace function evd.reconcile_node(p_node bigint, p_tokens bigint[], p_event_ids bigint[],
                                              p_handlers text[], p_runs integer[])
returns table (id bigint, token bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_window   bigint;
  v_handlers text[];
begin
  perform pg_advisory_xact_lock(6649444, 1);   -- claims of the lost connection that still wait for it come first
  perform evd.check_living(p_node);
  for v_window in
    select w.id from evd.event_window w
    where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1)
      and w.node_id = p_node and w.closed_at is null and w.token <> all (p_tokens)
    order by w.id
    for no key update
  loop
    select coalesce(array_agg(distinct x.handler), '{}') into v_handlers
      from evd.window_events(v_window) e join evd.route r on r.id = e.route_id
      cross join unnest(r.expected) x (handler);
    perform evd.settle_window(v_window, p_node, v_handlers, array_fill('0'::xid8, array[cardinality(v_handlers)]),
                              array_fill(-1::bigint, array[cardinality(v_handlers)]), '{}', '{}', '{}', '{}', '{}',
                              true);
  end loop;
  update evd.window_part p set node_id = null, token = null, next_at = clock_timestamp()
    where p.state = 'deferred' and p.node_id = p_node and p.token <> all (p_tokens);
  update evd.delivery d set state = 'waiting', node_id = null, attempts = d.attempts - 1, next_at = clock_timestamp()
    where d.state = 'running' and d.node_id = p_node
      and not exists (select from unnest(p_event_ids, p_handlers, p_runs) u (event_id, handler, run)
                      where u.event_id = d.event_id and u.handler = d.handler and u.run = d.run);
  return query
    select w.id, w.token from evd.event_window w
    where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1)
      and w.node_id = p_node and w.closed_at is null;
end
$$;
