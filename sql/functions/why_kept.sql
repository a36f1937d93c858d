-- Why the events created between two times may not be dropped; null: they may, unless a transaction in progress has added
-- one. Reads event_window, window_part, delivery, event.
--
-- All from before the newest window's floor are taken, and none from before an open window's floor is in it. What is
-- behind a closed window waits in a part or has a row.
create or replace function evd.why_kept(p_from timestamptz, p_to timestamptz) returns text
language plpgsql stable
as $$
declare
  v_newest evd.event_window;
  v_found  record;
begin
  select * into strict v_newest from evd.event_window order by id desc limit 1;
  if p_to > v_newest.floor
     and exists (select from evd.unread() e where e.created_at >= p_from and e.created_at < p_to) then
    return 'some of its events have not been taken yet';
  end if;
  select w.id into v_found from evd.event_window w
    where w.id >= v_newest.low_id and w.closed_at is null and w.floor < p_to order by w.id limit 1;
  if found then
    return format('window %s is open, and may hold some of its events', v_found.id);
  end if;
  select p.handler into v_found
    from evd.window_part p join evd.event_window w on w.id = p.window_id
    where p.state = 'deferred' and coalesce(w.oldest, w.floor) < p_to and coalesce(w.newest, 'infinity') >= p_from limit 1;
  if found then
    return format('handler %s still has to run some of its events', v_found.handler);
  end if;
  select count(*) as pairs, min(d.event_id) as example into v_found
    from evd.delivery d
    where d.state in ('waiting', 'running', 'escalated') and d.event_created_at >= p_from and d.event_created_at < p_to;
  if v_found.pairs > 0 then
    return format('%s unresolved, such as that of event %s',
                  case v_found.pairs when 1 then 'a pair is' else v_found.pairs || ' pairs are' end, v_found.example);
  end if;
  return null;
end
$$;
