-- VE020: the node was taken over, or is unknown; it may change nothing. Reads node.
create or replace function evd.check_living(p_node bigint) returns void
language plpgsql
as $$
begin
  if not exists (select from evd.node n where n.id = p_node and n.fenced_at is null) then
    raise 'node % is fenced', p_node using errcode = 'VE020';
  end if;
end
$$;
