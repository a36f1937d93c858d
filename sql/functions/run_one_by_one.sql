-- Runs a statement, with the event as $1, for each of some events. Does whatever the statement does. Sets no
-- search_path: the statement is the user's.
create or replace function evd.run_one_by_one(p_events jsonb[], p_statement text) returns void
language plpgsql
as $$
declare
  v_run   text;
  v_event jsonb;
begin
  -- What cannot be prepared is parsed anew for each event: call, and several statements in one text.
  if p_statement ~* '^\s*(select|insert|update|delete|merge|with|values)\y[^;]*$' then
    v_run := 'execute ' || evd.prepare_once('jsonb', p_statement);
  end if;
  foreach v_event in array p_events loop
    if v_run is not null then
      execute format('%s(%L)', v_run, v_event);
    else
      execute p_statement using v_event;
    end if;
  end loop;
end
$$;
