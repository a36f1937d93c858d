-- Says that a node lives. Returns false when it was taken over: it must drop everything and register anew.
-- Writes node.
create or replace function evd.heartbeat(p_node bigint) returns boolean
language plpgsql
as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  update evd.node set heartbeat_at = clock_timestamp() where id = p_node and fenced_at is null;
  return found;
end
$$;
