-- Writes the changes that evd.apply has found. Writes route, handler, meta; appends to action.
create or replace function evd.apply_changes(p_changes jsonb, p_actor text) returns void
language plpgsql
as $$
declare
  c record;
begin
  for c in
    select * from jsonb_to_recordset(p_changes) as (kind text, name text, change text, after jsonb)
    where change <> 'missing'
  loop
    if c.kind = 'event' then
      update evd.route set is_current = false where event_name = c.name and is_current;
      if c.change <> 'removed' then
        insert into evd.route (event_name, expected, deadline, owner, reliability, alert_timeout, max_args)
        values (c.name, array(select jsonb_array_elements_text(c.after -> 'handlers')),
                (c.after ->> 'deadline_ms')::double precision * interval '1 millisecond', c.after ->> 'owner',
                c.after ->> 'reliability', (c.after ->> 'alert_timeout')::boolean, (c.after ->> 'max_args')::bigint);
      end if;
    elsif c.kind = 'handler' and c.change = 'removed' then
      delete from evd.handler where name = c.name;
    elsif c.kind = 'handler' then
      insert into evd.handler as h (name, kind, owner, runbook, max_attempts, alert_after, retry, backoff_base,
                                    backoff_factor, backoff_max, backoff_jitter)
      values (c.name, c.after ->> 'kind', c.after ->> 'owner', c.after ->> 'runbook',
              (c.after ->> 'max_attempts')::integer, (c.after ->> 'alert_after')::integer, c.after ->> 'retry',
              (c.after ->> 'backoff_base_ms')::double precision * interval '1 millisecond',
              (c.after ->> 'backoff_factor')::double precision,
              (c.after ->> 'backoff_max_ms')::double precision * interval '1 millisecond',
              (c.after ->> 'backoff_jitter')::double precision)
      on conflict (name) do update
        set (kind, owner, runbook, max_attempts, alert_after, retry, backoff_base, backoff_factor, backoff_max,
             backoff_jitter) =
            (excluded.kind, excluded.owner, excluded.runbook, excluded.max_attempts, excluded.alert_after,
             excluded.retry, excluded.backoff_base, excluded.backoff_factor, excluded.backoff_max,
             excluded.backoff_jitter);
    else
      update evd.meta set dedup_retention = (c.after #>> '{}')::double precision * interval '1 millisecond';
    end if;
    insert into evd.action (action, handler, actor, why)
      values ('apply', case when c.kind = 'handler' then c.name end, evd.actor_name(p_actor),
              format('%s %s %s', c.kind, c.name, c.change));
  end loop;
end
$$;
