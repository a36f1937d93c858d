-- Runs an sql handler for the next p_limit events of its share of a window, and records that in the same
-- transaction. p_statement takes the event as $1; p_function, where the statement is just `select f($1)`, is f, run
-- over the whole batch by one query. Returns no row when the share is no longer the node's, else how many events the
-- handler ran and whether the share is done to its end. An error of the handler is raised as it is: nothing
-- happened. Reads event_window, event, route, meta; writes window_part and whatever the statement does.
--
-- It sets no search_path and commits as the database is configured: the statement is the user's. That one query builds
-- each event as f takes it: an array of them, to be unnested, cost as much again.
create or replace function evd.run_sql_batch(p_window bigint, p_handler text, p_node bigint, p_token bigint,
                                             p_statement text, p_function text, p_limit integer)
returns table (ran integer, is_done boolean)
language plpgsql rows 1
as $$
declare
  v_share    record;
  v_last     record;
  v_instance text;
  v_event    jsonb;
begin
  select * into v_share from evd.hold_share(p_window, p_handler, p_node, p_token);
  if not found then
    return;
  end if;
  -- A function's rows come in the order in which it returned them.
  select (array_agg(e.xid))[count(*)] as xid, (array_agg(e.id))[count(*)] as id into v_last
    from evd.window_events(p_window, v_share.upto_xid, v_share.upto_id, p_limit) e;
  ran := 0;
  is_done := v_last.xid is null;
  if is_done then
    return next;
    return;
  end if;

  select m.instance into v_instance from evd.meta m;
  if p_function is not null then
    execute format('select %s(evd.event_json(e, r.event_name, $6, $5, 1, 0))'
                   ' from evd.window_events($1, $2, $3, $4) e join evd.route r on r.id = e.route_id'
                   ' where $5 = any (r.expected) and (e.due_at is null or e.due_at <= $7)', p_function)
      using p_window, v_share.upto_xid, v_share.upto_id, p_limit, p_handler, v_instance, v_share.opened_at;
    get diagnostics ran = row_count;
  else
    foreach v_event in array array(
      select evd.event_json(e, r.event_name, v_instance, p_handler, 1, 0)
      from evd.window_events(p_window, v_share.upto_xid, v_share.upto_id, p_limit) e
      join evd.route r on r.id = e.route_id
      where p_handler = any (r.expected) and (e.due_at is null or e.due_at <= v_share.opened_at)
      order by e.xid, e.id)
    loop
      execute p_statement using v_event;
      ran := ran + 1;
    end loop;
  end if;
  is_done := (v_last.xid, v_last.id) = (v_share.to_xid, v_share.to_id);
  perform evd.advance_share(p_window, p_handler, v_share.is_open, v_last.xid, v_last.id, is_done);
  return next;
end
$$;
