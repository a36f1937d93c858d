-- The channel took a leased group. If all that it told of was resolved meanwhile, its "recovered" follows. Returns
-- false when the lease is no longer the caller's. Writes alert_group, alert_channel; what evd.note_channel writes.
create or replace function evd.alert_sent(p_group bigint, p_token bigint) returns boolean
language plpgsql
as $$
declare
  v_channel text;
begin
  update evd.alert_group
    set state = 'sent', sent_at = clock_timestamp(), lease = null, leased_until = null, send_error = null
    where id = p_group and lease = p_token
    returning channel into v_channel;
  if not found then
    return false;
  end if;
  delete from evd.alert_channel where name = v_channel;
  if found then
    perform evd.note_channel(v_channel, null);
  end if;
  perform evd.alert_settle(array[p_group]);
  -- What opened while this one was being sent did not see it, and waits for `repeat` like the rest.
  update evd.alert_group o set next_at = g.sent_at + g.repeat
    from evd.alert_group g
    where g.id = p_group and g.state = 'sent' and g.kind <> 'recovered' and o.channel = g.channel and o.kind = g.kind
      and o.event_name = g.event_name and o.handler = g.handler and o.state = 'open'
      and o.next_at < g.sent_at + g.repeat;
  return true;
end
$$;
