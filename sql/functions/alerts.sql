-- Messages to people, newest first, each with what became of it: state, acknowledged until when and by whom, why it was not
-- taken. Those that wait or tell of something unresolved; p_all: every one that is kept. p_group: that one alone.
-- Reads what evd.alert_message reads.
create or replace function evd.alerts(p_all boolean default false, p_limit integer default 50, p_group bigint default null)
returns setof jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select evd.alert_message(g.id) || jsonb_build_object(
    'state', g.state, 'pending', g.pending, 'sent_at', evd.iso_time(g.sent_at), 'settled_at', evd.iso_time(g.settled_at),
    'acked_until', case when g.acked_until > clock_timestamp() then evd.iso_time(g.acked_until) end,
    'acked_by', g.acked_by, 'send_attempts', g.send_attempts, 'send_error', g.send_error)
  from (
    select a.* from evd.alert_group a
    where case when p_group is not null then a.id = p_group
               else p_all or a.state in ('open', 'sending') or (a.state = 'sent' and a.pending > 0) end
    order by a.id desc limit p_limit) g
  order by g.id desc
$$;
