-- Looks for what is wrong with the installation as a whole and no single pair tells of: events that nobody takes, handlers
-- with work that nobody hosts, a recovery pass that cron has stopped making. Each has p_after to pass by itself.
-- Reads event_window, event, window_part, delivery, route, node; writes trouble; appends to alert.
create or replace function evd.watch(p_after interval) returns void
language plpgsql
as $$
declare
  v_since  timestamptz := evd.unread_since();
  v_passed timestamptz;
  v_name   text;
begin
  perform evd.note_trouble('backlog', '(log)',
    case when v_since < clock_timestamp() - p_after then
      case when evd.has_living_daemon('1 minute') then 'events wait, and every evd is busy or cannot take them'
           else 'events wait, and no evd is running' end || ': see evctl status' end);

  -- Only where it runs by itself: a person may have run it once.
  select max(greatest(n.heartbeat_at, n.stopped_at)) into v_passed from evd.node n
    where n.kind = 'evrecover' having count(*) >= 3;
  perform evd.note_trouble('recovery_stalled', '(evrecover)',
    case when v_passed < clock_timestamp() - p_after then
      format('it ran last at %s: is its crontab entry or its timer still there?', evd.iso_time(v_passed)) end);

  for v_name in
    select distinct unnest(r.expected) from evd.route r
    union
    select substr(t.subject, 2, length(t.subject) - 2) from evd.trouble t where t.kind = 'stalled'
  loop
    continue when evd.is_hosted(v_name)
      and not exists (select from evd.trouble t where t.kind = 'stalled' and t.subject = '(' || v_name || ')');
    perform evd.note_trouble('stalled', '(' || v_name || ')',
      case when not evd.is_hosted(v_name)
                and (exists (select from evd.delivery d where d.handler = v_name and d.state = 'waiting')
                     or exists (select from evd.window_part p where p.handler = v_name and p.state = 'deferred'))
           then 'it has work, and no evd that is running hosts it: was it renamed, or its machine switched off?' end,
      p_after);
  end loop;
end
$$;
