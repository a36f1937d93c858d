-- Where a handler's share of a window has come to, or no row when the share is no longer the node's. An sql batch whose
-- connection was lost may be still under way: the caller takes the share's advisory lock before, which waits for that.
-- Locks what evd.hold_share locks; reads event_window, window_part.
create or replace function evd.share_position(p_window bigint, p_handler text, p_node bigint, p_token bigint)
returns table (upto_xid xid8, upto_id bigint)
language sql
as $$
  select h.upto_xid, h.upto_id from evd.hold_share(p_window, p_handler, p_node, p_token) h
$$;
