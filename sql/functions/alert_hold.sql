-- The earliest time at which a new group of this key may be sent: not before `repeat` has passed since the newest group
-- of the same key that was sent and tells of something unresolved. Null: at once. Reads alert_group.
create or replace function evd.alert_hold(p_channel text, p_kind text, p_event_name text, p_handler text)
returns timestamptz
language sql stable
as $$
  select max(g.sent_at + g.repeat) from evd.alert_group g
  where g.channel = p_channel and g.kind = p_kind and g.event_name = p_event_name and g.handler = p_handler
    and g.state = 'sent' and g.kind <> 'recovered'
$$;
