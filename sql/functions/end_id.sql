-- Where the log is taken up to, within evd.end_xid: end_id of evd.claimed. Reads event_window. It costs more than it
-- says, as evd.is_overdue does.
create or replace function evd.end_id() returns bigint
language plpgsql stable security definer cost 1
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select c.end_id from evd.claimed c);
end
$$;
