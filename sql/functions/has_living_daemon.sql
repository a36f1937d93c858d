-- Whether an evd that hosts handlers, and so reads the log, had a heartbeat within p_timeout. Reads node.
create or replace function evd.has_living_daemon(p_timeout interval) returns boolean
language sql stable
as $$
  select exists (select from evd.node n where n.kind = 'evd' and n.handlers <> '{}' and n.fenced_at is null
                                          and n.heartbeat_at > clock_timestamp() - p_timeout)
$$;
