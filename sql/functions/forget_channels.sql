-- Forgets what is known of channels that failed and that nobody tries any more, since no configuration has them: what waited
-- for them goes to the log. p_known: the channels of the caller's. Writes alert_channel, trouble; appends to alert.
create or replace function evd.forget_channels(p_known text[]) returns void
language plpgsql
as $$
declare
  v_name text;
begin
  for v_name in
    delete from evd.alert_channel c
      where c.name <> all (p_known) and c.next_at < clock_timestamp() - interval '1 hour'
      returning c.name
  loop
    perform evd.note_channel(v_name, null);
  end loop;
end
$$;
