-- Where a pair of an event at a position is: new (not taken, or in an open window), deferred (in a part), its delivery's
-- state if it has one, or done. Parts do not cover events due only after their window opened: those have deliveries
-- from the window's close on. Reads window_part, event_window.
create or replace function evd.pair_state(p_xid xid8, p_id bigint, p_due_at timestamptz, p_handler text, p_delivery text,
                                          p_is_taken boolean, p_is_open boolean) returns text
language plpgsql stable
as $$
begin
  if p_delivery is not null then
    return p_delivery;
  elsif not p_is_taken then
    return 'new';
  elsif p_is_open then
    return case when exists (
      select from evd.window_part p join evd.event_window w on w.id = p.window_id
      where p.handler = p_handler and p.state = 'done' and w.closed_at is null
        and (p_xid, p_id) <= (p.upto_xid, p.upto_id) and evd.in_window(p_xid, p_id, w)
        and (p_due_at is null or p_due_at <= w.opened_at)) then 'done' else 'new' end;
  end if;
  return case when exists (
    select from evd.window_part p join evd.event_window w on w.id = p.window_id
    where p.handler = p_handler and evd.in_window(p_xid, p_id, w)
      and evd.is_put_off(p_xid, p_id, p_due_at, p, w.opened_at)) then 'deferred' else 'done' end;
end
$$;
