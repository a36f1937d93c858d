-- Brings a configuration's events and handlers into the database, as evd.config_entries reads it, and returns the
-- difference: {"events": […], "handlers": […], "settings": […], "missing": […]}. An entry has name, change (added,
-- changed, removed), before, after and outstanding, the pairs not yet resolved. A changed event gets a new route, and
-- the events written before keep theirs. What the configuration lacks is listed under missing, with emitted_lately
-- (7 days), and goes only with p_prune. p_dry_run: nothing is written.
-- VE003: a handler that is not defined. VE030: pruning something with outstanding pairs.
-- Reads event, event_window, window_part, delivery; writes route, handler, meta; appends to action.
create or replace function evd.apply(p_config jsonb, p_prune boolean default false, p_dry_run boolean default false,
                                     p_actor text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  v_bad     record;
  v_changes jsonb;
begin
  perform pg_advisory_xact_lock(6649444, 2);
  select e.name, x.handler into v_bad
    from evd.config_entries(p_config) e
    cross join jsonb_array_elements_text(e.wanted -> 'handlers') x (handler)
    where e.kind = 'event' and not coalesce(p_config -> 'handlers', '{}') ? x.handler
    limit 1;
  if found then
    raise 'event "%": no such handler: "%"', v_bad.name, v_bad.handler using errcode = 'VE003';
  end if;

  with open_pairs as (select * from evd.outstanding()),
  changes as (
    select d.kind, d.name, d.before, d.after,
           case when d.change = 'missing' and p_prune then 'removed' else d.change end as change,
           (select coalesce(sum(o.pairs), 0) from open_pairs o join evd.route r on r.id = o.route_id
            where case d.kind when 'event' then r.event_name = d.name when 'handler' then o.handler = d.name
                  else false end) as outstanding,
           d.kind = 'event' and d.change = 'missing' and exists (
             select from evd.event e join evd.route r on r.id = e.route_id
             where r.event_name = d.name and e.created_at > clock_timestamp() - interval '7 days') as emitted_lately
    from evd.config_difference(p_config) d)
  select coalesce(jsonb_agg(to_jsonb(c) order by c.kind, c.name), '[]') into v_changes from changes c;

  select c.value ->> 'kind' as kind, c.value ->> 'name' as name, c.value ->> 'outstanding' as pairs into v_bad
    from jsonb_array_elements(v_changes) c
    where c.value ->> 'change' = 'removed' and (c.value ->> 'outstanding')::bigint > 0 limit 1;
  if found then
    raise '% "%" cannot be removed: % of its pairs are outstanding', v_bad.kind, v_bad.name, v_bad.pairs
      using errcode = 'VE030', hint = 'Let them finish, or resolve them; then prune again.';
  end if;
  if not p_dry_run then
    perform evd.apply_changes(v_changes, p_actor);
  end if;
  return jsonb_build_object('dry_run', p_dry_run) || (
    select jsonb_object_agg(g.label, coalesce(g.entries, '[]'))
    from (select l.label, jsonb_agg(c.value - array['kind', 'emitted_lately'] order by c.value ->> 'name')
                 filter (where c.value is not null) as entries
          from (values ('events', 'event'), ('handlers', 'handler'), ('settings', 'setting')) l (label, kind)
          left join jsonb_array_elements(v_changes) c
            on c.value ->> 'kind' = l.kind and c.value ->> 'change' <> 'missing'
          group by l.label
          union all
          select 'missing', jsonb_agg(c.value - array['change', 'after'] order by c.value ->> 'kind', c.value ->> 'name')
          from jsonb_array_elements(v_changes) c where c.value ->> 'change' = 'missing') g);
end
$$;
