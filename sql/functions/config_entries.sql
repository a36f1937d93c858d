-- The events and handlers of a configuration, {"events": {name: {…}}, "handlers": {name: {…}}}, with defaults for what
-- they leave out. Reads nothing.
create or replace function evd.config_entries(p_config jsonb) returns table (kind text, name text, wanted jsonb)
language sql immutable
as $$
  select 'event', e.key,
         '{"handlers": [], "deadline_ms": 300000, "owner": null, "reliability": "tracked", "alert_timeout": false,
           "max_args": 1048576}'::jsonb || e.value
  from jsonb_each(coalesce(p_config -> 'events', '{}')) e
  union all
  select 'handler', h.key,
         '{"kind": "exec", "owner": null, "runbook": null, "max_attempts": 10, "alert_after": 3, "retry": "daemon",
           "backoff_base_ms": 10000, "backoff_factor": 3.0, "backoff_max_ms": 3600000, "backoff_jitter": 0.2}'::jsonb
         || h.value
  from jsonb_each(coalesce(p_config -> 'handlers', '{}')) h
$$;
