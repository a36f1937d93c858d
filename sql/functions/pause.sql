-- Stops a handler from being given work; what is emitted meanwhile waits. Returns whether it ran until now.
-- VE003: no such handler. Writes handler; appends to action.
create or replace function evd.pause(p_handler text, p_actor text default null) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update evd.handler set paused_at = clock_timestamp(), paused_by = evd.actor_name(p_actor)
    where name = p_handler and paused_at is null;
  if not found then
    perform evd.check_handler(p_handler);
    return false;
  end if;
  insert into evd.action (action, handler, actor) values ('pause', p_handler, evd.actor_name(p_actor));
  perform evd.wake();
  return true;
end
$$;
