-- Deletes up to p_limit events created before a time from the default partition, which is never dropped, but for those
-- that have to be kept. Returns how many. Writes event_default, meta; reads event_window, window_part, delivery.
create or replace function evd.prune_default(p_before timestamptz, p_limit integer) returns integer
language plpgsql
as $$
declare
  v_gone integer;
begin
  -- As evd.why_kept, for single events.
  select least(p_before, n.floor,
               (select min(w.floor) from evd.event_window w where w.id >= n.low_id and w.closed_at is null),
               (select min(coalesce(w.oldest, w.floor))
                from evd.window_part p join evd.event_window w on w.id = p.window_id where p.state = 'deferred'))
    into p_before
    from evd.event_window n order by n.id desc limit 1;
  if not exists (select from (select e.created_at from evd.event_default e order by e.xid, e.id limit 1) first
                 where first.created_at < p_before) then
    return 0;
  end if;
  delete from evd.event_default
    where ctid = any (array(
      select e.ctid from evd.event_default e
      where e.created_at < p_before
        and not exists (select from evd.delivery d
                        where d.event_id = e.id and d.state in ('waiting', 'running', 'escalated'))
      order by e.xid, e.id limit p_limit));
  get diagnostics v_gone = row_count;
  if v_gone > 0 then
    update evd.meta set dropped_before = greatest(dropped_before, p_before);
  end if;
  return v_gone;
end
$$;
