-- Whether an event at a position is in a window's set. Reads nothing.
create or replace function evd.in_window(p_xid xid8, p_id bigint, w evd.event_window) returns boolean
language sql stable
as $$
  select (p_xid, p_id) > (w.from_xid, w.from_id) and (p_xid, p_id) <= (w.to_xid, w.to_id)
     and pg_visible_in_snapshot(p_xid, w.hi) and not pg_visible_in_snapshot(p_xid, w.lo)
$$;
