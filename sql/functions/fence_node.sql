-- Declares a node dead, if its heartbeat is still the one that the caller saw long enough ago by a clock of its own:
-- after PostgreSQL was away every heartbeat looks old. Whoever else wants to probe what it was to probe need not wait,
-- and somebody is told. Returns whether it did. Writes node, handler; appends to alert.
create or replace function evd.fence_node(p_node bigint, p_heartbeat_at timestamptz) returns boolean
language plpgsql
as $$
declare
  v_node evd.node;
begin
  update evd.node set fenced_at = clock_timestamp()
    where id = p_node and fenced_at is null and heartbeat_at = p_heartbeat_at
    returning * into v_node;
  if not found then
    return false;
  end if;
  perform evd.free_probes(p_node);
  insert into evd.alert (kind, error)
    values ('node_lost', format('%s on %s (node %s) was last heard of at %s; what it held is taken over', v_node.kind,
                                v_node.name, v_node.id, evd.iso_time(v_node.heartbeat_at)));
  return true;
end
$$;
