-- Leases the oldest deferred part of one of the handlers, or no row. An evrecover leaves what a living evd hosts half a
-- minute of precedence. Reads handler, node; writes window_part.
create or replace function evd.take_part(p_node bigint, p_token bigint, p_handlers text[])
returns setof evd.window_part
language plpgsql
as $$
declare
  v_is_cron boolean;
begin
  perform set_config('synchronous_commit', 'off', true);
  select n.kind = 'evrecover' into v_is_cron from evd.node n where n.id = p_node and n.fenced_at is null;
  if v_is_cron is null then
    raise 'node % is fenced', p_node using errcode = 'VE020';
  end if;
  return query
    -- Materialized: a join may run a subquery several times, and each time it would skip what it has locked, and lock
    -- another part.
    with due as materialized (
      select q.window_id, q.handler from evd.window_part q
      join evd.handler h on h.name = q.handler and evd.is_let_through(h, p_node)
      where q.state = 'deferred' and q.node_id is null and q.handler = any (p_handlers)
        and q.next_at <= clock_timestamp() - case when v_is_cron and evd.is_hosted(q.handler)
                                                  then interval '30 seconds' else '0' end
      order by q.window_id limit 1
      for no key update of q skip locked)
    update evd.window_part p set node_id = p_node, token = p_token
      from due where p.window_id = due.window_id and p.handler = due.handler
      returning p.*;
end
$$;
