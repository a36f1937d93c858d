-- A route as the configuration describes it, to be compared with the file's. Reads nothing.
create or replace function evd.route_json(r evd.route) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'handlers', r.expected, 'deadline_ms', round(extract(epoch from r.deadline) * 1000)::bigint, 'owner', r.owner,
    'reliability', r.reliability, 'alert_timeout', r.alert_timeout, 'max_args', r.max_args)
$$;
