-- Whether a node may probe a handler whose breaker is open: nobody else has the lease, and it is time, or the lease is
-- its own already. Reads nothing.
create or replace function evd.may_probe(h evd.handler, p_node bigint) returns boolean
language sql volatile
as $$
  select h.breaker_opened_at is not null
         and case when h.probe_until >= clock_timestamp() then h.probe_node = p_node
                  else h.probe_at <= clock_timestamp() end
$$;
