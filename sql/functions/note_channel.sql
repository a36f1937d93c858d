-- Notes that a channel did not take a message, or, p_error being null, that it took one. That it has taken none for an hour
-- is told through the others, once, and so is its end. Reads alert_group; writes trouble; appends to alert.
create or replace function evd.note_channel(p_channel text, p_error text) returns void
language plpgsql
as $$
declare
  v_subject text := evd.channel_subject(p_channel);
  v_since   timestamptz := coalesce((select t.since from evd.trouble t
                                     where t.kind = 'channel_away' and t.subject = v_subject), clock_timestamp());
  v_waiting bigint := (select count(*) from evd.alert_group g
                       where g.channel = p_channel and g.state in ('open', 'sending'));
begin
  perform evd.note_trouble('channel_away', v_subject,
    format('it has taken nothing since %s, and %s for it: ', evd.iso_time(v_since),
           case v_waiting when 1 then '1 message waits' else v_waiting || ' messages wait' end) || p_error,
    '1 hour');
end
$$;
