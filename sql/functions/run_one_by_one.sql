-- Runs a statement, with the event as $1, for each of the next p_limit events of a window that a handler is expected
-- for and that were due when it opened. Returns how many. Reads event_window, event, route, and does whatever the
-- statement does. Sets no search_path: the statement is the user's.
create or replace function evd.run_one_by_one(p_window bigint, p_after_xid xid8, p_after_id bigint, p_limit integer,
                                              p_handler text, p_statement text, p_opened_at timestamptz,
                                              p_instance text) returns integer
language plpgsql
as $$
declare
  v_run   text;
  v_event jsonb;
  v_ran   integer := 0;
begin
  -- What cannot be prepared is parsed anew for each event: call, and several statements in one text.
  if p_statement ~* '^\s*(select|insert|update|delete|merge|with|values)\y[^;]*$' then
    v_run := 'execute ' || evd.prepare_once('jsonb', p_statement);
  end if;
  foreach v_event in array array(
    select to_jsonb(d)
    from evd.window_events(p_window, p_after_xid, p_after_id, p_limit) e
    join evd.route r on r.id = e.route_id
    cross join lateral evd.event_document(e, r.event_name, p_instance, p_handler, 1, 0) d
    where p_handler = any (r.expected) and (e.due_at is null or e.due_at <= p_opened_at)
    order by e.xid, e.id)
  loop
    if v_run is not null then
      execute format('%s(%L)', v_run, v_event);
    else
      execute p_statement using v_event;
    end if;
    v_ran := v_ran + 1;
  end loop;
  return v_ran;
end
$$;
