-- Records how far a held share is done. A leased part that is done to the window's end goes.
-- Reads event_window; writes window_part.
create or replace function evd.advance_share(p_window bigint, p_handler text, p_is_open boolean, p_xid xid8,
                                             p_id bigint) returns void
language plpgsql
as $$
begin
  if p_is_open then
    insert into evd.window_part (window_id, handler, state, upto_xid, upto_id)
      values (p_window, p_handler, 'done', p_xid, p_id)
      on conflict (window_id, handler) do update set upto_xid = excluded.upto_xid, upto_id = excluded.upto_id;
  elsif exists (select from evd.event_window w where w.id = p_window and w.to_xid = p_xid and w.to_id = p_id) then
    delete from evd.window_part where window_id = p_window and handler = p_handler;
  else
    update evd.window_part set upto_xid = p_xid, upto_id = p_id where window_id = p_window and handler = p_handler;
  end if;
end
$$;
