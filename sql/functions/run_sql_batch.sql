-- Runs an sql handler for the next p_limit events of its share of a window, and records that in the same
-- transaction. p_statement takes the event as $1, or all of the batch (evd.takes_a_batch); p_function, where the
-- statement is just `select f($1)`, is f, run over the whole batch by one query. Returns no row when the share is no
-- longer the node's, else how many events the handler ran and whether the share is done to its end. An error of the
-- handler is raised as it is: nothing happened. Reads event_window, event, route, meta; writes window_part and whatever
-- the statement does.
--
-- It sets no search_path and commits as the database is configured: the statement is the user's. That one query builds
-- each event as f takes it: an array of them, to be unnested, cost a fifth more.
create or replace function evd.run_sql_batch(p_window bigint, p_handler text, p_node bigint, p_token bigint,
                                             p_statement text, p_function text, p_limit integer)
returns table (ran integer, is_done boolean)
language plpgsql rows 1
as $$
declare
  v_share    record;
  v_last     record;
  v_instance text;
  v_run      text;
  v_events   jsonb[];
begin
  select * into v_share from evd.hold_share(p_window, p_handler, p_node, p_token);
  if not found then
    return;
  end if;
  select * into v_last from evd.end_of_batch(p_window, v_share.upto_xid, v_share.upto_id, p_limit);
  ran := 0;
  is_done := v_last.xid is null;
  if is_done then
    return next;
    return;
  end if;

  select m.instance into v_instance from evd.meta m;
  if p_function is not null then
    v_run := evd.prepare_once('bigint, xid8, bigint, integer, text, text, timestamptz',
      format('select %s(to_jsonb(d)) from evd.window_events($1, $2, $3, $4) e join evd.route r on r.id = e.route_id'
             ' cross join lateral evd.event_document(e, r.event_name, $6, $5, 1, 0) d'
             ' where $5 = any (r.expected) and (e.due_at is null or e.due_at <= $7)', p_function));
    execute format('execute %s(%s, %L, %s, %s, %L, %L, %L)', v_run, p_window, v_share.upto_xid, v_share.upto_id,
                   p_limit, p_handler, v_instance, evd.iso_time(v_share.opened_at));
    get diagnostics ran = row_count;
  else
    v_events := evd.batch_events(p_window, v_share.upto_xid, v_share.upto_id, p_limit, p_handler, v_share.opened_at,
                                 v_instance);
    ran := cardinality(v_events);
    if not evd.takes_a_batch(p_statement) then
      perform evd.run_one_by_one(v_events, p_statement);
    elsif ran > 0 then
      execute p_statement using v_events;
    end if;
  end if;
  is_done := (v_last.xid, v_last.id) = (v_share.to_xid, v_share.to_id);
  perform evd.advance_share(p_window, p_handler, v_share.is_open, v_last.xid, v_last.id, is_done);
  return next;
end
$$;
