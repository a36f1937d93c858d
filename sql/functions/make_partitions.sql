-- Makes the daily partitions (UTC) of today and the p_days days after it. Returns how many it made. Writes event's
-- definition.
--
-- A day of which the default partition holds events stays there: an emit on its way into the default partition while the
-- day's own is attached would be refused. And an ATTACH queues every emit and claim behind it, so it gives up soon, for
-- the next pass to try again.
create or replace function evd.make_partitions(p_days integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '200ms'
as $$
declare
  v_day  date;
  v_name text;
  v_made integer := 0;
begin
  for v_day in select d::date from generate_series(current_date, current_date + p_days, '1 day') d loop
    v_name := 'event_' || to_char(v_day, 'YYYYMMDD');
    continue when to_regclass('evd.' || v_name) is not null
      or exists (select from evd.event_default where created_at >= v_day and created_at < v_day + 1);
    begin
      execute format('create table evd.%I (like evd.event including defaults including constraints)', v_name);
      execute format('alter table evd.event attach partition evd.%I for values from (%L) to (%L)', v_name,
                     v_day::timestamptz, (v_day + 1)::timestamptz);
      v_made := v_made + 1;
    exception when lock_not_available or check_violation then
      exit;
    end;
  end loop;
  return v_made;
end
$$;
