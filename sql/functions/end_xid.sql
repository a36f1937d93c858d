-- Where the log is taken up to: end_xid of evd.claimed. A function, and no subselect, because the planner asks it how much
-- lies behind. Reads event_window. It costs more than it says, as evd.is_overdue does.
create or replace function evd.end_xid() returns xid8
language plpgsql stable security definer cost 1
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select c.end_xid from evd.claimed c);
end
$$;
