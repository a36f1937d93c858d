-- Makes an event of each change of a row, by a trigger for each operation on a table that the caller owns or may make
-- triggers on; args are {"op": "insert", "old": null, "new": {…}}. A capture of the same event on the same table is
-- replaced. `columns`: only these are in `old` and `new`, and an update that changes none of them is no event.
-- `only_when`: a condition over `new` and `old`, as in CREATE TRIGGER. Runs with the caller's rights. VE001: no such event.
-- Reads route; creates triggers.
create or replace function evd.capture(source regclass, event_name text,
                                       operations text[] default '{insert,update,delete}',
                                       columns text[] default null, only_when text default null) returns void
language plpgsql
as $$
declare
  v_operation text;
  v_column    text;
begin
  perform evd.check_event(event_name);
  if source::oid in (select relid from pg_partition_tree('evd.event')) then
    raise 'source: evd does not capture its own log' using errcode = '42809';
  end if;
  if operations = '{}' or not operations <@ '{insert,update,delete}' or array_position(operations, null) is not null then
    raise 'operations: % is not some of insert, update, delete', operations using errcode = '22023';
  end if;
  foreach v_column in array coalesce(columns, '{}') loop
    if not exists (select from pg_attribute a where a.attrelid = source and a.attname = v_column and a.attnum > 0
                                                and not a.attisdropped) then
      raise 'columns: % has no column "%"', source, v_column using errcode = '42703';
    end if;
  end loop;
  perform evd.uncapture(source, event_name);
  foreach v_operation in array operations loop
    execute format('create trigger %I after %s on %s for each row %s execute function evd.capture_row(%L, %L)',
                   left('evd_' || v_operation || '_', 31) || case when length(event_name) <= 32 then event_name
                                                                  else md5(event_name) end,
                   v_operation, source, coalesce('when (' || only_when || ')', ''), event_name, coalesce(columns, '{}'));
  end loop;
end
$$;
