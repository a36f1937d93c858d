-- A handler's policy as the configuration describes it, to be compared with the file's. Reads nothing.
create or replace function evd.handler_json(h evd.handler) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'kind', h.kind, 'owner', h.owner, 'runbook', h.runbook, 'max_attempts', h.max_attempts,
    'alert_after', h.alert_after, 'retry', h.retry,
    'backoff_base_ms', round(extract(epoch from h.backoff_base) * 1000)::bigint,
    'backoff_factor', h.backoff_factor, 'backoff_max_ms', round(extract(epoch from h.backoff_max) * 1000)::bigint,
    'backoff_jitter', h.backoff_jitter)
$$;
