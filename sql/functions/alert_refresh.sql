-- What a channel took and is still unresolved, to be posted there again: with p_every, for a channel that forgets, each
-- group that was not posted for so long; else, of what waits for a person, a reminder once the group's `repeat` has
-- passed, one for all that was told about the same, unless a person asked for silence or there is more to tell anyway.
-- Reads what evd.alert_message reads; writes alert_group.
create or replace function evd.alert_refresh(p_channel text, p_every interval default null) returns setof jsonb
language sql
as $$
  with due as materialized (
    select g.id from evd.alert_group g
    where g.channel = p_channel and g.state = 'sent' and g.pending > 0
      and greatest(g.sent_at, g.refreshed_at) < clock_timestamp() - coalesce(p_every, g.repeat)
      and (p_every is not null
           or (g.kind in ('escalated', 'stalled') and coalesce(g.acked_until < clock_timestamp(), true)
               and not exists (
                 select from evd.alert_group o
                 where o.channel = g.channel and o.kind = g.kind and o.event_name = g.event_name and o.handler = g.handler
                   and (o.state in ('open', 'sending')
                        or (o.state = 'sent' and o.pending > 0 and (o.sent_at, o.id) > (g.sent_at, g.id))))))
    for no key update skip locked),
  taken as (
    update evd.alert_group g set refreshed_at = clock_timestamp() from due d where g.id = d.id
      returning g.id, g.channel, g.kind, g.event_name, g.handler, g.refreshed_at)
  select evd.alert_message(t.id, false) || jsonb_build_object('causes', evd.alert_causes(t.id))
         || case when p_every is null
              then jsonb_build_object('reminded_at', evd.iso_time(t.refreshed_at), 'unresolved', (
                     select sum(s.pending) from evd.alert_group s
                     where s.channel = t.channel and s.kind = t.kind and s.event_name = t.event_name
                       and s.handler = t.handler and s.state = 'sent'))
              else '{}' end
  from taken t order by t.id
$$;
