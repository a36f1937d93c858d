-- Runs an sql handler for the next p_limit events of its share of a window, and records that in the same
-- transaction. p_statement takes the event as $1; p_function, where the statement is just `select f($1)`, is f, run
-- over the whole batch at once. Returns no row when the share is no longer the node's, else how many events the
-- handler ran and whether the share is done to its end. An error of the handler is raised as it is: nothing
-- happened. Reads event_window, event, route, meta; writes window_part and whatever the statement does.
--
-- It sets no search_path and commits as the database is configured: the statement is the user's.
create or replace function evd.run_sql_batch(p_window bigint, p_handler text, p_node bigint, p_token bigint,
                                             p_statement text, p_function text, p_limit integer)
returns table (ran integer, is_done boolean)
language plpgsql
as $$
declare
  v_share record;
  v_read  record;
  v_event jsonb;
begin
  select * into v_share from evd.hold_share(p_window, p_handler, p_node, p_token);
  if not found then
    return;
  end if;
  select array_agg(evd.event_json(e, r.event_name, m.instance, p_handler, 1, 0) order by e.xid, e.id)
           filter (where p_handler = any (r.expected) and (e.due_at is null or e.due_at <= w.opened_at)) as events,
         (array_agg(e.xid order by e.xid, e.id))[count(*)::integer] as last_xid,
         (array_agg(e.id order by e.xid, e.id))[count(*)::integer] as last_id
    into v_read
    from evd.window_events(p_window, v_share.upto_xid, v_share.upto_id, p_limit) e
    join evd.route r on r.id = e.route_id
    join evd.event_window w on w.id = p_window
    cross join evd.meta m;
  if v_read.last_xid is null then
    return query select 0, true;
    return;
  end if;

  if p_function is not null then
    execute format('select %s(e.event) from unnest($1) e (event)', p_function) using v_read.events;
  else
    foreach v_event in array coalesce(v_read.events, '{}') loop
      execute p_statement using v_event;
    end loop;
  end if;
  perform evd.advance_share(p_window, p_handler, v_share.is_open, v_read.last_xid, v_read.last_id);
  return query select coalesce(cardinality(v_read.events), 0),
    exists (select from evd.event_window w where w.id = p_window and w.to_xid = v_read.last_xid
                                               and w.to_id = v_read.last_id);
end
$$;
