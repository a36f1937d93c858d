-- Wakes sleeping daemons at commit. Reads the sleeper's flag, which must happen after the write that they are to
-- see. A NOTIFY serialises commits, so none is sent while nobody sleeps. `set evd.notify = off` is for
-- applications that use PREPARE TRANSACTION, which refuses after a NOTIFY; evd then finds the event by polling.
create or replace function evd.wake() returns void
language plpgsql
as $$
begin
  if evd.has_sleeper() and coalesce(current_setting('evd.notify', true), '') <> 'off' then
    perform pg_notify('evd', '');
  end if;
end
$$;
