-- The pairs that evd.audit counts as unaccounted, with what is wrong. Reads what evd.unaccounted reads.
create or replace function evd.audit_missing(p_limit integer default 100, p_since timestamptz default null)
returns table (event_id bigint, handler text, pairs bigint, why text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select u.event_id, u.handler, u.pairs, u.why from evd.unaccounted(p_since) u order by u.event_id, u.handler
  limit p_limit
$$;
