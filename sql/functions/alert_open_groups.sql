-- Makes sure that each key of these rows of the outbox has an open group, and locks it: no sender takes it before they are
-- in it. Reads alert; writes alert_group.
create or replace function evd.alert_open_groups(p_routes jsonb, p_ids bigint[]) returns void
language plpgsql
as $$
begin
  perform from evd.alert_group g
    where g.state = 'open'
      and (g.channel, g.kind, g.event_name, g.handler) in (
        select t.channel, a.kind, coalesce(a.event_name, ''), coalesce(a.handler, '')
        from evd.alert a
        cross join lateral evd.alert_targets(p_routes, a.owner, a.kind, a.handler) t (channel)
        where a.id = any (p_ids))
    order by g.id for no key update;
  insert into evd.alert_group (channel, kind, event_name, handler, is_tracked, first_at, last_at, group_wait, repeat,
                               wants_recovered, next_at, acked_until)
  select k.channel, k.kind, k.event_name, k.handler,
         (k.kind in ('failing', 'escalated', 'stalled') and k.handler <> '') or k.handler like '(%',
         k.first_at, k.last_at, c.group_wait, c.repeat, c.wants_recovered,
         greatest(clock_timestamp() + c.group_wait, evd.alert_hold(k.channel, k.kind, k.event_name, k.handler)),
         evd.alert_silence(k.kind, k.event_name, k.handler)
  from (select t.channel, a.kind, coalesce(a.event_name, '') as event_name, coalesce(a.handler, '') as handler,
               min(a.at) as first_at, max(a.at) as last_at
        from evd.alert a
        cross join lateral evd.alert_targets(p_routes, a.owner, a.kind, a.handler) t (channel)
        where a.id = any (p_ids)
        group by 1, 2, 3, 4) k
  cross join lateral (
    select make_interval(secs => coalesce((s.settings ->> 'group_wait_ms')::double precision, 0) / 1000) as group_wait,
           make_interval(secs => coalesce((s.settings ->> 'repeat_ms')::double precision, 3600000) / 1000) as repeat,
           coalesce((s.settings -> 'kinds') ?| array['*', 'recovered'], true) as wants_recovered
    from (select p_routes -> 'channels' -> k.channel as settings) s) c
  where not exists (select from evd.alert_group g  -- an id is used up even where there is a conflict
                    where g.channel = k.channel and g.kind = k.kind and g.event_name = k.event_name
                      and g.handler = k.handler and g.state = 'open')
  on conflict (channel, kind, event_name, handler) where state = 'open' do nothing;
end
$$;
