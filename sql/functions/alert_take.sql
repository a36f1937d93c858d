-- Leases up to p_limit groups of a channel that are due, those tried least first, for 60 s; nothing while the channel
-- waits after a failure. The lease commits before the caller posts, so no two senders post the same group unless the
-- first did not come back in time. The log's sender also takes what has waited an hour for a channel that its
-- configuration (p_known) lacks. p_args: with the beginning of the examples' args.
-- Reads alert_channel, and what evd.alert_message reads; writes alert_group, alert_pair; what evd.forget_channels writes.
create or replace function evd.alert_take(p_token bigint, p_channel text, p_known text[], p_limit integer,
                                          p_args boolean)
returns table (id bigint, message jsonb)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_retry_at timestamptz := (select c.next_at from evd.alert_channel c where c.name = p_channel);
  v_groups   bigint[];
begin
  if v_retry_at > clock_timestamp() then
    return;
  elsif v_retry_at is not null then
    perform evd.alert_gather(p_channel);
  elsif p_channel = '(log)' then
    perform evd.forget_channels(p_known);
  end if;
  with due as materialized (
    select g.id from evd.alert_group g
    where g.state in ('open', 'sending') and g.next_at <= clock_timestamp()
      and (g.channel = p_channel
           or (p_channel = '(log)' and g.channel <> all (p_known)
               and g.next_at < clock_timestamp() - interval '1 hour'))
      and (g.leased_until is null or g.leased_until < clock_timestamp())
      and (g.acked_until is null or g.acked_until < clock_timestamp())
    order by g.send_attempts, g.next_at, g.id limit p_limit
    for no key update skip locked),
  taken as (
    update evd.alert_group g
      set state = 'sending', lease = p_token, leased_until = clock_timestamp() + interval '60 seconds'
      from due where g.id = due.id
      returning g.id)
  select array_agg(t.id) into v_groups from taken t;
  -- A statement of its own: it sees also what was folded in between that one's begin and its lock.
  return query select t.id, evd.alert_message(t.id, p_args) || jsonb_build_object('causes', evd.alert_causes(t.id))
    from unnest(v_groups) t (id) order by t.id;
end
$$;
