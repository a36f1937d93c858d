-- What `evctl status` shows, as JSON. Reads every table but the events themselves, and of those only the unread.
create or replace function evd.status_report() returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select jsonb_build_object(
    'instance', m.instance, 'schema_version', m.schema_version, 'at', evd.iso_time(clock_timestamp()),
    'nodes', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'id', n.id, 'name', n.name, 'kind', n.kind, 'version', n.version, 'handlers', n.handlers,
               'started_at', evd.iso_time(n.started_at),
               'heartbeat_age_ms', (extract(epoch from clock_timestamp() - n.heartbeat_at) * 1000)::bigint)
               order by n.id), '[]')
      from evd.node n where n.fenced_at is null and n.stopped_at is null),
    'routes', (
      select coalesce(jsonb_agg(jsonb_build_object('event_name', r.event_name) || evd.route_json(r)
                                order by r.event_name), '[]')
      from evd.route r where r.is_current),
    'log', evd.status_of_log(),
    'handlers', evd.status_of_handlers(),
    'escalated', (
      select coalesce(jsonb_agg(to_jsonb(g) order by g.pairs desc), '[]')
      from (select f.event_name, f.handler, f.error, f.pairs, f.example
            from evd.failures(p_limit => 20, p_state => 'escalated') f) g),
    'troubles', (
      select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'subject', t.subject, 'error', t.error,
                                                   'since', evd.iso_time(t.since)) order by t.since), '[]')
      from evd.trouble t where t.told_at is not null),
    'recovery', (select coalesce(jsonb_agg(to_jsonb(t) order by t.handler), '[]') from evd.recovery_times() t),
    'last_recovery_at', (
      select evd.iso_time(max(n.started_at)) from evd.node n where n.kind = 'evrecover'))
  from evd.meta m
$$;
