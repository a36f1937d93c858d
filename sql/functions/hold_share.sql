-- Locks a handler's share of a window for the transaction of an sql batch: the open window's row, shared, so that
-- neither a close nor a takeover can pass it, or else the leased part. Returns where the share has come to, where its
-- window ends and when that was opened, or no row when it is no longer the node's. Locks event_window or window_part.
create or replace function evd.hold_share(p_window bigint, p_handler text, p_node bigint, p_token bigint,
                                          out is_open boolean, out upto_xid xid8, out upto_id bigint,
                                          out to_xid xid8, out to_id bigint, out opened_at timestamptz)
returns setof record
language plpgsql rows 1
as $$
#variable_conflict use_column
begin
  perform evd.sign_transaction(p_node);
  select true, w.to_xid, w.to_id, w.opened_at into is_open, to_xid, to_id, opened_at from evd.event_window w
    where w.id = p_window and w.node_id = p_node and w.token = p_token and w.closed_at is null
    for share;
  if found then
    -- In a later statement: a batch that held the window before may just have advanced the part.
    select p.upto_xid, p.upto_id into upto_xid, upto_id
      from evd.window_part p where p.window_id = p_window and p.handler = p_handler;
    if not found then
      upto_xid := '0';
      upto_id := -1;
    end if;
    return next;
    return;
  end if;
  select false, p.upto_xid, p.upto_id into is_open, upto_xid, upto_id from evd.window_part p
    where p.window_id = p_window and p.handler = p_handler and p.node_id = p_node and p.token = p_token
      and p.state = 'deferred'
    for no key update;
  if found then
    select w.to_xid, w.to_id, w.opened_at into to_xid, to_id, opened_at
      from evd.event_window w where w.id = p_window;
    return next;
  end if;
end
$$;
