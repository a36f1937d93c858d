-- Whether a living evd runs this handler. Reads node.
create or replace function evd.is_hosted(p_handler text) returns boolean
language sql stable
as $$
  select exists (select from evd.node n
                 where n.kind = 'evd' and n.stopped_at is null and n.fenced_at is null
                   and n.heartbeat_at > clock_timestamp() - interval '30 seconds' and p_handler = any (n.handlers))
$$;
