-- The nodes whose heartbeat is older than p_timeout. Not yet dead: see evd.fence_node. Reads node.
create or replace function evd.stale_nodes(p_timeout interval)
returns table (id bigint, name text, heartbeat_at timestamptz)
language sql stable
as $$
  select n.id, n.name, n.heartbeat_at from evd.node n
  where n.fenced_at is null and n.heartbeat_at < clock_timestamp() - p_timeout
$$;
