-- Whether a node may start work on a handler: it is not paused, and its breaker is closed or the node may probe it.
create or replace function evd.is_let_through(h evd.handler, p_node bigint) returns boolean
language sql stable
as $$
  select h.paused_at is null
         and (h.breaker_opened_at is null or (h.probe_node = p_node and h.probe_until >= clock_timestamp()))
$$;
