-- Deletes up to p_limit windows, the oldest first, all of whose events are gone and which nothing refers to any more; the
-- totals begin with the oldest that is left. Returns how many. Writes event_window; reads window_part.
create or replace function evd.prune_windows(p_limit integer) returns integer
language sql
as $$
  with newest as materialized (
    select least(n.id, n.low_id, n.floor_id) as needed, evd.log_begins_at() as begins_at
    from evd.event_window n order by n.id desc limit 1),
  oldest as (
    select w.id,
           w.closed_at is not null and w.id < n.needed and coalesce(w.newest, w.closed_at) < n.begins_at
             and not exists (select from evd.window_part p where p.window_id = w.id) as is_over
    from (select * from evd.event_window order by id limit p_limit) w cross join newest n),
  gone as (
    delete from evd.event_window w using oldest o
    where w.id = o.id and o.is_over
      and not exists (select from oldest k where k.id < o.id and not k.is_over)
    returning w.id)
  select count(*)::integer from gone
$$;
