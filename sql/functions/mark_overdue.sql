-- Notes deliveries whose event's deadline has passed, up to p_limit of them; their status is 1 by the clock alone.
-- Where the route asks for it, an alert goes out. Reads route; writes delivery; appends to alert. Returns how many.
create or replace function evd.mark_overdue(p_limit integer) returns integer
language sql
as $$
  with late as (
    select d.event_id, d.handler from evd.delivery d
    where d.state in ('waiting', 'running') and d.timeout_at is null and d.deadline_at < clock_timestamp()
    order by d.deadline_at limit p_limit
    for no key update skip locked),
  marked as (
    update evd.delivery d set timeout_at = clock_timestamp()
    from late where d.event_id = late.event_id and d.handler = late.handler
    returning d.*),
  told as (
    insert into evd.alert (kind, event_name, event_id, handler, owner, attempts, error)
    select 'timeout', r.event_name, m.event_id, m.handler, r.owner, m.attempts, m.last_error
    from marked m join evd.route r on r.id = m.route_id and r.alert_timeout)
  select count(*)::integer from marked
$$;
