-- Ends the sessions that are within a transaction for a fenced node: a process that was stopped amid one would hold its
-- rows for ever. They are known by the lock that evd.sign_transaction takes, which ends with their transaction; so a process
-- id that was used again is never met. It runs with the caller's rights, which reach sessions of the same login; what
-- may not be ended is left alone. Waits up to a second for each. Reads node. Returns how many it asked to end.
create or replace function evd.end_sessions_of_fenced() returns integer
language plpgsql
as $$
declare
  v_pid  integer;
  v_done integer := 0;
begin
  for v_pid in
    select l.pid from pg_locks l
    join pg_database b on b.oid = l.database and b.datname = current_database()
    join evd.node n on n.fenced_at is not null and l.objid::bigint = n.id
    where l.locktype = 'advisory' and l.classid = 6649445 and l.objsubid = 2 and l.granted
      and l.pid <> pg_backend_pid()
  loop
    begin
      perform pg_terminate_backend(v_pid, 1000);
      v_done := v_done + 1;
    exception when insufficient_privilege then
      null;
    end;
  end loop;
  return v_done;
end
$$;
