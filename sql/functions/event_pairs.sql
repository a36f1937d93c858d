-- Every expected handler of an event with where its pair is, as evd.pair_state says. In PL/pgSQL, which keeps its plans: it
-- is called once for each of many events. Reads event_window, window_part, route, delivery.
create or replace function evd.event_pairs(e evd.event)
returns table (handler text, ordinal bigint, state text, is_taken boolean, is_open boolean)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
begin
  return query
    select x.handler, x.ordinal, evd.pair_state(e.xid, e.id, e.due_at, x.handler, d.state, t.is_taken, o.is_open),
           t.is_taken, o.is_open
    from evd.route r
    cross join evd.claimed c
    cross join lateral (
      select pg_visible_in_snapshot(e.xid, c.lo)
             or (pg_visible_in_snapshot(e.xid, c.hi) and (e.xid, e.id) <= (c.to_xid, c.to_id)) as is_taken) t
    cross join lateral (
      select exists (select from evd.event_window w
                     where w.id >= c.low_id and w.closed_at is null and evd.in_window(e.xid, e.id, w)) as is_open) o
    cross join unnest(r.expected) with ordinality x (handler, ordinal)
    left join evd.delivery d on d.event_id = e.id and d.handler = x.handler
    where r.id = e.route_id;
end
$$;
