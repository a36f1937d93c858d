-- Declares a node dead, if its heartbeat is still the one that the caller saw long enough ago by a clock of its own:
-- after PostgreSQL was away every heartbeat looks old. Returns whether it did. Writes node.
create or replace function evd.fence_node(p_node bigint, p_heartbeat_at timestamptz) returns boolean
language plpgsql
as $$
begin
  update evd.node set fenced_at = clock_timestamp()
    where id = p_node and fenced_at is null and heartbeat_at = p_heartbeat_at;
  return found;
end
$$;
