-- How many events were emitted, and how many pairs that makes. By the running totals of the windows that are kept and what
-- is unread; p_by_event: by counting the log, from p_since on. Reads event_window, event, route.
create or replace function evd.emitted(p_since timestamptz, p_by_event boolean, out events bigint, out pairs bigint)
language plpgsql stable
as $$
begin
  if p_by_event then
    select count(*), coalesce(sum(cardinality(r.expected)), 0) into events, pairs
      from evd.event e join evd.route r on r.id = e.route_id
      where e.created_at >= coalesce(p_since, '-infinity');
    return;
  end if;
  select n.total_events - o.total_events + o.events + u.events,
         coalesce(n.total_pairs, evd.pairs_taken(n)) - coalesce(o.total_pairs - o.pairs, 0) + u.pairs into events, pairs
    from (select * from evd.event_window order by id desc limit 1) n
    cross join (select * from evd.event_window order by id limit 1) o
    cross join (select count(*) as events, coalesce(sum(cardinality(r.expected)), 0) as pairs
                from evd.unread() e join evd.route r on r.id = e.route_id) u;
end
$$;
