-- A person has seen a group: nothing more is sent about the same kind, event and handler, on any channel, until p_for
-- has passed; "recovered" still comes. What happens meanwhile is collected and sent then. Returns false when there is
-- no such group. Writes alert_group; appends to action.
create or replace function evd.alert_ack(p_group bigint, p_for interval, p_actor text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  g evd.alert_group;
begin
  select * into g from evd.alert_group where id = p_group;
  if not found then
    return false;
  end if;
  update evd.alert_group a set acked_until = clock_timestamp() + p_for, acked_by = p_actor
    where a.id = p_group
       or (a.kind = g.kind and a.event_name = g.event_name and a.handler = g.handler
           and a.state in ('open', 'sending'));
  insert into evd.action (action, handler, actor, why)
    values ('ack', nullif(g.handler, ''), p_actor, format('A%s for %s', p_group, p_for));
  return true;
end
$$;
