-- Has somebody told that events which came in were refused for good, and where they are kept. Appends to alert.
create or replace function evd.tell_emit_failed(p_error text) returns void
language sql
as $$
  insert into evd.alert (kind, error) values ('emit_failed', p_error)
$$;
