-- The channel did not take a leased group: it is tried again, and so is the channel, each after a wait of its own that
-- doubles up to five minutes. Returns false when the lease is no longer the caller's.
-- Writes alert_group, alert_channel; what evd.note_channel writes.
create or replace function evd.alert_failed(p_group bigint, p_token bigint, p_error text) returns boolean
language plpgsql
as $$
declare
  v_channel text;
begin
  update evd.alert_group
    set lease = null, leased_until = null, send_attempts = send_attempts + 1, send_error = left(p_error, 1000),
        next_at = clock_timestamp() + evd.alert_backoff(send_attempts + 1)
    where id = p_group and lease = p_token
    returning channel into v_channel;
  if not found then
    return false;
  end if;
  insert into evd.alert_channel as c (name, next_at, error)
    values (v_channel, clock_timestamp() + evd.alert_backoff(1), left(p_error, 1000))
    on conflict (name) do update
      set failures = c.failures + 1, error = excluded.error,
          next_at = clock_timestamp() + evd.alert_backoff(c.failures + 1);
  perform evd.note_channel(v_channel, coalesce(left(p_error, 1000), 'no reason was given'));
  perform evd.alert_settle(array[p_group]);
  return true;
end
$$;
