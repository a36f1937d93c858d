-- VE001 for an event's name that `evctl apply` has not made known. For callers that may not read routes. Reads route.
create or replace function evd.check_event(event_name text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from evd.route r where r.event_name = check_event.event_name and r.is_current) then
    raise 'event_name: no such event: "%"', event_name using errcode = 'VE001',
      hint = 'Events are made known by "evctl apply".';
  end if;
end
$$;
