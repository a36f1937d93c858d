-- What an idle node must know, in one statement: whether an event is unread and an alert waits to be sent, the same in
-- each row; and for each of its handlers whether it is paused, out of reach (and whether it may ask for a probe), and
-- whether a part or a delivery that it may take is due. p_cron, p_precedence: as evd.take_deliveries.
--
-- due_since is where to look for deliveries next: before it there was none. While a transaction is held open, the index
-- keeps an entry for each time that a delivery ever waited, and a look from the beginning wades through all of them. What a
-- transaction that lasted longer than ten seconds made due in the past is found by a look without p_since, which the caller
-- does now and then. Reads handler, window_part, delivery, node, event_window, event, alert, alert_group.
create or replace function evd.poll(p_node bigint, p_handlers text[], p_cron boolean, p_precedence interval,
                                    p_since timestamptz[] default null)
returns table (handler text, is_paused boolean, is_broken boolean, may_probe boolean, has_part boolean,
               has_delivery boolean, has_unread boolean, has_alert boolean, due_since timestamptz)
language sql
as $$
  select n.name, h.paused_at is not null, h.breaker_opened_at is not null,
         evd.may_probe(h, p_node),
         exists (select from evd.window_part p
                 where p.state = 'deferred' and p.handler = n.name and p.node_id is null
                   and p.next_at <= t.until),
         due.next_at is not null, s.has_unread, s.has_alert,
         least(due.next_at, t.until - interval '10 seconds')
  from unnest(p_handlers, p_since) n (name, since)
  left join evd.handler h on h.name = n.name
  cross join lateral (
    select clock_timestamp() - case when p_cron and evd.is_hosted(n.name) then p_precedence else '0' end as until) t
  left join lateral (
    select d.next_at from evd.delivery d
    where d.state = 'waiting' and d.handler = n.name and d.next_at >= coalesce(n.since, '-infinity')
      and d.next_at <= t.until and (p_cron or h.retry = 'daemon' or d.attempts = 0)
    order by d.next_at limit 1) due on true
  cross join (
    select evd.unread_since() is not null as has_unread,
           exists (select from evd.alert) or exists (
             select from evd.alert_group g
             where g.state in ('open', 'sending') and g.next_at <= clock_timestamp()) as has_alert) s
$$;
