-- Whether anything may still run by itself: unread events, open windows, parts, or deliveries not yet settled.
-- Reads event_window, event, window_part, delivery.
create or replace function evd.has_outstanding() returns boolean
language sql
as $$
  select evd.unread_since() is not null
      or exists (select from evd.event_window w
                 where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1)
                   and w.closed_at is null)
      or exists (select from evd.window_part p where p.state = 'deferred')
      or exists (select from evd.delivery d where d.state = 'waiting')
      or exists (select from evd.delivery d where d.state = 'running')
$$;
