-- A node leaves of its own will, having closed its windows: its leases end, and what it may still hold is there to be
-- taken over at once. Writes node, window_part, handler.
create or replace function evd.leave_node(p_node bigint) returns void
language sql
as $$
  select evd.free_probes(p_node);
  update evd.window_part set node_id = null, token = null where node_id = p_node;
  update evd.node set stopped_at = clock_timestamp(), fenced_at = coalesce(fenced_at, clock_timestamp())
  where id = p_node
$$;
