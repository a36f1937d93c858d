-- Frees up to p_limit things that fenced nodes hold. p_singly: one that raises an error is left, and its error becomes an
-- alert. Reads and writes what evd.take_over_one does; appends to alert. Returns how many it freed.
create or replace function evd.take_over_page(p_limit integer, p_singly boolean) returns integer
language plpgsql
as $$
declare
  v_held   record;
  v_done   integer := 0;
  v_failed integer := 0;
begin
  for v_held in select * from evd.held_by_fenced() loop
    exit when v_done + v_failed >= p_limit;
    if not p_singly then
      v_done := v_done + evd.take_over_one(v_held.what, v_held.id, v_held.handler, v_held.node_id)::integer;
      continue;
    end if;
    begin
      v_done := v_done + evd.take_over_one(v_held.what, v_held.id, v_held.handler, v_held.node_id)::integer;
    exception when others then
      v_failed := v_failed + 1;
      insert into evd.alert (kind, handler, error)
        values ('recovery_stalled', v_held.handler,
                format('what dead node %s held cannot be taken over (%s %s): %s', v_held.node_id, v_held.what, v_held.id,
                       sqlerrm));
    end;
  end loop;
  return v_done;
end
$$;
