-- The trigger that evd.capture makes: emits a row's change, in the writer's transaction. It runs with evd's rights, so
-- that whoever may write to the table need not be known to evd; who may make such a trigger is decided by who may execute
-- this function. Its arguments: the event's name, and the columns that are wanted, as a text[] ('{}': all).
-- Reads route, and the table's primary key; calls evd.emit.
create or replace function evd.capture_row() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_columns text[] := tg_argv[1];
  v_old     jsonb;
  v_new     jsonb;
  v_args    jsonb;
begin
  if tg_op <> 'INSERT' then
    v_old := evd.picked(to_jsonb(old), v_columns);
  end if;
  if tg_op <> 'DELETE' then
    v_new := evd.picked(to_jsonb(new), v_columns);
  end if;
  -- Of columns that were asked for, a change of others is none.
  if tg_op = 'UPDATE' and v_columns <> '{}' and v_old = v_new then
    return null;
  end if;
  v_args := jsonb_build_object('op', lower(tg_op), 'old', v_old, 'new', v_new);
  if pg_column_size(v_args) > (select r.max_args from evd.route r where r.event_name = tg_argv[0] and r.is_current) then
    v_columns := evd.primary_key(tg_relid);
    v_args := jsonb_build_object(
      'op', lower(tg_op), 'truncated', true,
      'old', case when tg_op <> 'INSERT' then evd.picked(to_jsonb(old), v_columns) end,
      'new', case when tg_op <> 'DELETE' then evd.picked(to_jsonb(new), v_columns) end);
  end if;
  perform evd.emit(tg_argv[0], v_args);
  return null;
end
$$;
