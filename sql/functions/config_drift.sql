-- Where a configuration and the database differ, a line for people each. Reads route, handler, meta.
create or replace function evd.config_drift(p_config jsonb) returns setof text
language sql stable
as $$
  select case d.change
         when 'added' then format('%s "%s" is in the file and not in the database', d.kind, d.name)
         when 'missing' then format('%s "%s" is in the database and not in the file', d.kind, d.name)
         else format('%s "%s" differs: the database has %s', d.kind, d.name,
                     case when d.kind = 'setting' then format('%s, the file %s', d.before, d.after)
                     else (select string_agg(format('%s %s, the file %s', k.key, k.value, d.after -> k.key), '; '
                                             order by k.key)
                           from jsonb_each(d.before) k where k.value is distinct from d.after -> k.key) end)
         end
  from evd.config_difference(p_config) d
$$;
