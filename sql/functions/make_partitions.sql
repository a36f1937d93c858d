-- Makes the daily partitions (UTC) of today and the p_days days after it; what the default partition holds of such a
-- day moves along. Returns how many it made. Writes event's definition.
create or replace function evd.make_partitions(p_days integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_day  date;
  v_name text;
  v_made integer := 0;
begin
  for v_day in select d::date from generate_series(current_date, current_date + p_days, '1 day') d loop
    v_name := 'event_' || to_char(v_day, 'YYYYMMDD');
    continue when to_regclass('evd.' || v_name) is not null;
    execute format('create table evd.%I (like evd.event including defaults including constraints)', v_name);
    if exists (select from evd.event_default where created_at >= v_day and created_at < v_day + 1) then
      execute format('with moved as (delete from evd.event_default where created_at >= %L and created_at < %L returning *)
                      insert into evd.%I select * from moved', v_day::timestamptz, (v_day + 1)::timestamptz, v_name);
    end if;
    execute format('alter table evd.event attach partition evd.%I for values from (%L) to (%L)', v_name,
                   v_day::timestamptz, (v_day + 1)::timestamptz);
    v_made := v_made + 1;
  end loop;
  return v_made;
end
$$;
