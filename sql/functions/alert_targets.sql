-- The channels that an alert goes to: those of its owner, else those of [owners.default], in so far as they want its
-- kind; the log, when that leaves nobody. Reads nothing.
-- p_routes: {"owners": {"growth": ["slack"], "default": […]}, "channels": {"slack": {"kinds": ["*"], …}}}
create or replace function evd.alert_targets(p_routes jsonb, p_owner text, p_kind text) returns setof text
language sql stable
as $$
  with named as (
    select distinct c.name
    from jsonb_array_elements_text(coalesce(nullif(p_routes -> 'owners' -> p_owner, '[]'),
                                            p_routes -> 'owners' -> 'default', '[]')) c (name)
    where (p_routes -> 'channels' -> c.name -> 'kinds') ?| array['*', p_kind])
  select n.name from named n
  union all
  select '(log)' where not exists (select from named)
$$;
