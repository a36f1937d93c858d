-- The position of the last of the p_limit events of a window that follow a position; null: there are none.
-- Reads event_window, and event where the batch is not the whole window.
create or replace function evd.end_of_batch(p_window bigint, p_after_xid xid8, p_after_id bigint, p_limit integer,
                                            out xid xid8, out id bigint)
language plpgsql stable
as $$
begin
  if p_after_xid = '0' then
    select w.to_xid, w.to_id into xid, id from evd.event_window w where w.id = p_window and w.events <= p_limit;
    if found then
      return;
    end if;
  end if;
  -- A function's rows come in the order in which it returned them.
  select (array_agg(e.xid))[count(*)], (array_agg(e.id))[count(*)] into xid, id
    from evd.window_events(p_window, p_after_xid, p_after_id, p_limit) e;
end
$$;
