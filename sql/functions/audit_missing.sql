-- The pairs that evd.audit counts as unaccounted, with what is wrong. Reads what evd.unaccounted reads.
create or replace function evd.audit_missing(p_limit integer default 100, p_since timestamptz default null,
                                             p_full boolean default false)
returns table (event_id bigint, handler text, pairs bigint, why text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select u.event_id, u.handler, u.pairs, u.why from evd.unaccounted(p_since, p_full) u order by u.event_id, u.handler, u.why
  limit p_limit
$$;
