-- How far the log is read: events taken in all and in the last minute, open windows, and what is unread, counted up to
-- a million. Reads event_window, event.
create or replace function evd.status_of_log() returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'newest_window', w.id, 'taken', w.total_events,
    'taken_last_minute', w.total_events - coalesce(
      (select b.total_events from evd.event_window b
       where b.opened_at < clock_timestamp() - interval '1 minute' order by b.id desc limit 1),
      (select b.total_events - b.events from evd.event_window b order by b.id limit 1)),
    'open_windows', (select count(*) from evd.event_window o where o.id >= w.low_id and o.closed_at is null),
    'open_events', (select coalesce(sum(o.events), 0) from evd.event_window o
                    where o.id >= w.low_id and o.closed_at is null),
    'unread', u.events,
    'lag_ms', coalesce((extract(epoch from clock_timestamp() - u.oldest) * 1000)::bigint, 0))
  from (select * from evd.event_window order by id desc limit 1) w
  cross join (select count(*) as events, min(e.created_at) as oldest from evd.unread(1000000) e) u
$$;
