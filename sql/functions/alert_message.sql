-- What a group tells, as one object. Reads alert_group, handler, meta; delivery and event when p_args.
create or replace function evd.alert_message(p_group bigint, p_args boolean default false) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'id', 'A' || g.id,
    'instance', coalesce((select m.instance from evd.meta m), ''),
    'channel', g.channel,
    'kind', g.kind,
    'event_name', g.event_name,
    'handler', g.handler,
    'owner', coalesce(g.owner, ''),
    'runbook', coalesce(h.runbook, ''),
    'count', g.count,
    'event_ids', g.event_ids,
    'examples', case when not p_args then g.examples
                     else (select coalesce(jsonb_agg(e.example || jsonb_build_object('args', evd.alert_args(
                                             (e.example ->> 'event_id')::bigint, g.handler)) order by e.ordinal), '[]')
                           from jsonb_array_elements(g.examples) with ordinality e (example, ordinal)) end,
    'attempts', coalesce(g.attempts, 0),
    'last_error', coalesce(g.last_error, ''),
    'recovers', (select coalesce(jsonb_agg('A' || r.id order by r.id), '[]') from unnest(g.recovers) r (id)),
    'first_at', evd.iso_time(g.first_at),
    'last_at', evd.iso_time(g.last_at))
  from evd.alert_group g left join evd.handler h on h.name = g.handler
  where g.id = p_group
$$;
