-- Records how far a held share is done; p_is_done: to its window's end. A leased part that is done goes.
-- Writes window_part; appends to alert.
create or replace function evd.advance_share(p_window bigint, p_handler text, p_is_open boolean, p_xid xid8,
                                             p_id bigint, p_is_done boolean) returns void
language plpgsql
as $$
declare
  v_was_told boolean;
begin
  if p_is_open then
    insert into evd.window_part (window_id, handler, state, upto_xid, upto_id)
      values (p_window, p_handler, 'done', p_xid, p_id)
      on conflict (window_id, handler) do update set upto_xid = excluded.upto_xid, upto_id = excluded.upto_id;
  elsif p_is_done then
    delete from evd.window_part where window_id = p_window and handler = p_handler
      returning stalled_at is not null into v_was_told;
    if v_was_told then
      perform evd.tell_handler_recovered(p_handler);
    end if;
  else
    update evd.window_part set upto_xid = p_xid, upto_id = p_id where window_id = p_window and handler = p_handler;
  end if;
end
$$;
