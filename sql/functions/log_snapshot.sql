-- What is visible now, as positions in the log. Reads event_window.
create or replace function evd.log_snapshot() returns pg_snapshot
language sql stable
as $$
  select case w.base when 0 then pg_current_snapshot() else evd.shifted(pg_current_snapshot(), w.base) end
  from evd.event_window w order by w.id desc limit 1
$$;
