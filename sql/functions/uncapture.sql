-- Ends what evd.capture began: drops its triggers. Runs with the caller's rights. Returns whether there were any.
-- Reads the catalogue; drops triggers.
create or replace function evd.uncapture(source regclass, event_name text) returns boolean
language plpgsql
as $$
declare
  v_trigger name;
  v_found   boolean := false;
begin
  for v_trigger in
    select t.tgname from pg_trigger t
    where t.tgrelid = source and t.tgfoid = 'evd.capture_row()'::regprocedure and t.tgparentid = 0
      and split_part(encode(t.tgargs, 'escape'), '\000', 1) = event_name
  loop
    execute format('drop trigger %I on %s', v_trigger, source);
    v_found := true;
  end loop;
  return v_found;
end
$$;
