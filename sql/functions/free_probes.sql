-- A node that is gone probes no more: others need not wait for the end of its leases. Writes handler.
create or replace function evd.free_probes(p_node bigint) returns void
language sql
as $$
  update evd.handler set probe_node = null, probe_until = null where probe_node = p_node
$$;
