-- A time as ISO 8601 in UTC with microseconds, whatever the session's settings. Reads nothing.
create or replace function evd.iso_time(p_time timestamptz) returns text
language sql stable
as $$
  select to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
