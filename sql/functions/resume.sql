-- Gives a handler that is paused, or out of reach, work again, what waited first. Returns whether it was either.
-- VE003: no such handler. Writes handler, window_part; appends to action, alert. Wakes evd.
create or replace function evd.resume(p_handler text, p_actor text default null) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_was_broken boolean := evd.close_breaker(p_handler);
begin
  update evd.handler set paused_at = null, paused_by = null where name = p_handler and paused_at is not null;
  if not found and not v_was_broken then
    perform evd.check_handler(p_handler);
    return false;
  end if;
  update evd.window_part set next_at = clock_timestamp()
    where handler = p_handler and state = 'deferred' and next_at > clock_timestamp();
  insert into evd.action (action, handler, actor) values ('resume', p_handler, evd.actor_name(p_actor));
  perform evd.wake();
  return true;
end
$$;
