-- The messages that a channel took and that tell of unresolved pairs, to be posted again: each at most once within
-- p_every, whoever asks. Reads what evd.alert_message reads; writes alert_group.
create or replace function evd.alert_refresh(p_channel text, p_every interval) returns setof jsonb
language sql
as $$
  with due as materialized (
    select g.id from evd.alert_group g
    where g.channel = p_channel and g.state = 'sent' and g.pending > 0
      and greatest(g.sent_at, g.refreshed_at) < clock_timestamp() - p_every
    for no key update skip locked),
  taken as (
    update evd.alert_group g set refreshed_at = clock_timestamp() from due d where g.id = d.id returning g.id)
  select evd.alert_message(t.id, false) from taken t order by t.id
$$;
