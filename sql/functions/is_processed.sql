-- Whether an event is taken, in no open window, and no pair of it is unresolved or put off. Reads event_window, delivery,
-- window_part, route. It costs more than it says, as evd.is_overdue does.
create or replace function evd.is_processed(p_xid xid8, p_id bigint, p_due_at timestamptz, p_route integer) returns boolean
language plpgsql stable security definer cost 1
set search_path = pg_catalog, pg_temp
as $$
begin
  if evd.has_unresolved(p_id) or not exists (
    select from evd.claimed c
    where (pg_visible_in_snapshot(p_xid, c.lo)
           or (pg_visible_in_snapshot(p_xid, c.hi) and (p_xid, p_id) <= (c.to_xid, c.to_id)))
      and not exists (select from evd.event_window w
                      where w.id >= c.low_id and w.closed_at is null and evd.in_window(p_xid, p_id, w)))
  then
    return false;
  end if;
  return not exists (
    select from evd.window_part p
    join evd.event_window w on w.id = p.window_id and evd.in_window(p_xid, p_id, w)
    join evd.route r on r.id = p_route and p.handler = any (r.expected)
    where evd.is_put_off(p_xid, p_id, p_due_at, p, w.opened_at)
      and not exists (select from evd.delivery d where d.event_id = p_id and d.handler = p.handler));
end
$$;
