-- What evd.trouble and alerts call a channel that fails. Reads nothing.
create or replace function evd.channel_subject(p_channel text) returns text
language sql immutable
as $$
  select '(channel ' || p_channel || ')'
$$;
