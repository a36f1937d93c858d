-- Where a configuration and the database differ. change: added (only in the configuration), changed, missing (only in
-- the database). Reads route, handler, meta.
create or replace function evd.config_difference(p_config jsonb)
returns table (kind text, name text, change text, before jsonb, after jsonb)
language sql stable
as $$
  with stored as (
    select 'event' as kind, r.event_name as name, evd.route_json(r) as stored from evd.route r where r.is_current
    union all
    select 'handler', h.name, evd.handler_json(h) from evd.handler h
    union all
    select 'setting', 'dedup_retention_ms', to_jsonb(round(extract(epoch from m.dedup_retention) * 1000)::bigint)
    from evd.meta m
    where p_config ? 'dedup_retention_ms'),
  wanted as (
    select c.kind, c.name, c.wanted from evd.config_entries(p_config) c
    union all
    select 'setting', 'dedup_retention_ms', p_config -> 'dedup_retention_ms' where p_config ? 'dedup_retention_ms')
  select kind, name,
         case when s.stored is null then 'added' when w.wanted is null then 'missing' else 'changed' end,
         s.stored, w.wanted
  from stored s full join wanted w using (kind, name)
  where s.stored is distinct from w.wanted
  order by kind, name
$$;
