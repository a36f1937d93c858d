-- Whether an event has a delivery that is not settled. Reads delivery. It costs more than it says, as evd.is_overdue does.
create or replace function evd.has_unresolved(p_event_id bigint) returns boolean
language plpgsql stable security definer cost 1
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from evd.delivery d
                 where d.event_id = p_event_id and d.state in ('waiting', 'running', 'escalated'));
end
$$;
