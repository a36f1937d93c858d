-- The channels that an alert goes to: those of its owner, else those of [owners.default], in so far as they want its
-- kind; the log, when that leaves nobody. That a channel is away (see evd.channel_subject) is not told through itself, and
-- where that leaves nobody, through every other. Reads nothing.
-- p_routes: {"owners": {"growth": ["slack"], "default": […]}, "channels": {"slack": {"kinds": ["*"], …}}}
create or replace function evd.alert_targets(p_routes jsonb, p_owner text, p_kind text, p_handler text)
returns setof text
language sql stable
as $$
  with able as (
    select c.name from jsonb_each(p_routes -> 'channels') c (name, settings)
    where c.settings -> 'kinds' ?| array['*', p_kind] and p_handler is distinct from evd.channel_subject(c.name)),
  named as (
    select distinct a.name
    from jsonb_array_elements_text(coalesce(nullif(p_routes -> 'owners' -> p_owner, '[]'),
                                            p_routes -> 'owners' -> 'default', '[]')) c (name)
    join able a on a.name = c.name),
  others as (
    select a.name from able a where p_kind = 'channel_away' and not exists (select from named))
  select n.name from named n
  union all
  select o.name from others o
  union all
  select '(log)' where not exists (select from named) and not exists (select from others)
$$;
