-- Ends groups, locked by the caller, whose pairs are all resolved. One that was sent is followed by a "recovered" on
-- its channel, one for all groups of the same event and handler; one that was not is dropped. One that is being sent right
-- now is left to evd.alert_sent or evd.alert_failed. What was held back because of an ended group may go.
-- Writes alert_group.
create or replace function evd.alert_settle(p_groups bigint[]) returns void
language plpgsql
as $$
declare
  g evd.alert_group;
begin
  update evd.alert_group d set state = 'dropped', settled_at = clock_timestamp()
    where d.id = any (p_groups) and d.pending = 0 and d.is_tracked
      and (d.state = 'open' or (d.state = 'sending' and d.lease is null));
  for g in
    update evd.alert_group s set state = 'settled', settled_at = clock_timestamp()
      where s.id = any (p_groups) and s.pending = 0 and s.is_tracked and s.state = 'sent'
      returning s.*
  loop
    if g.wants_recovered then
      insert into evd.alert_group as r (channel, kind, event_name, handler, owner, is_tracked, first_at, last_at,
                                        group_wait, repeat, wants_recovered, next_at, count, event_ids, recovers)
        values (g.channel, 'recovered', g.event_name, g.handler, g.owner, false, g.first_at, clock_timestamp(),
                g.group_wait, g.repeat, false, clock_timestamp() + g.group_wait, g.count, g.event_ids, array[g.id])
        on conflict (channel, kind, event_name, handler) where state = 'open' do update
          set count = greatest(r.count, excluded.count), recovers = r.recovers || excluded.recovers,
              event_ids = evd.alert_merge_ids(r.event_ids, excluded.event_ids),
              first_at = least(r.first_at, excluded.first_at), last_at = excluded.last_at;
    end if;
    update evd.alert_group o set next_at = clock_timestamp() + o.group_wait
      where o.channel = g.channel and o.kind = g.kind and o.event_name = g.event_name and o.handler = g.handler
        and o.state = 'open' and o.next_at > clock_timestamp() + o.group_wait
        and evd.alert_hold(o.channel, o.kind, o.event_name, o.handler) is null;
  end loop;
end
$$;
