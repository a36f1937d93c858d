-- Locks a handler's share of a window for the transaction of an sql batch: the open window's row, shared, so that
-- neither a close nor a takeover can pass it, or else the leased part. Returns where the share has come to, or no row
-- when it is no longer the node's. Locks event_window or window_part.
create or replace function evd.hold_share(p_window bigint, p_handler text, p_node bigint, p_token bigint)
returns table (is_open boolean, upto_xid xid8, upto_id bigint)
language plpgsql
as $$
#variable_conflict use_column
begin
  -- Says whose transaction this is, for evd.end_sessions_of_fenced.
  perform pg_advisory_xact_lock_shared(6649445, p_node::integer);
  perform from evd.event_window w
    where w.id = p_window and w.node_id = p_node and w.token = p_token and w.closed_at is null
    for share;
  if found then
    return query select true, coalesce(p.upto_xid, '0'), coalesce(p.upto_id, -1)
      from (select 1) one left join evd.window_part p on p.window_id = p_window and p.handler = p_handler;
  else
    return query select false, p.upto_xid, p.upto_id from evd.window_part p
      where p.window_id = p_window and p.handler = p_handler and p.node_id = p_node and p.token = p_token
        and p.state = 'deferred'
      for no key update;
  end if;
end
$$;
