-- Tells, once, of pairs that are unresolved for longer than p_after for whatever reason, and of parts put off as
-- long, saying why. Reads delivery, window_part, handler, node, route; writes delivery, window_part; appends to
-- alert. Returns how many.
create or replace function evd.mark_stalled(p_after interval, p_limit integer) returns integer
language sql
as $$
  with old_pairs as (
    select d.event_id, d.handler from evd.delivery d
    where d.state in ('waiting', 'running') and d.stalled_at is null
      and greatest(d.created_at, d.deadline_at - (select r.deadline from evd.route r where r.id = d.route_id))
          < clock_timestamp() - p_after
    limit p_limit
    for no key update skip locked),
  pairs as (
    update evd.delivery d set stalled_at = clock_timestamp(), alerted = true
    from old_pairs o where d.event_id = o.event_id and d.handler = o.handler
    returning d.event_id, d.handler, d.route_id, d.attempts, d.last_error),
  -- One that an sql batch is at just now is for the next pass: nobody may wait for that.
  old_parts as (
    select p.window_id, p.handler from evd.window_part p
    where p.state = 'deferred' and p.stalled_at is null and p.created_at < clock_timestamp() - p_after
    for no key update skip locked),
  parts as (
    update evd.window_part p set stalled_at = clock_timestamp()
    from old_parts o where p.window_id = o.window_id and p.handler = o.handler
    returning p.handler),
  told as (
    insert into evd.alert (kind, event_name, event_id, handler, owner, attempts, error)
    select 'stalled', r.event_name, p.event_id, p.handler, coalesce(h.owner, r.owner), p.attempts,
           evd.why_stalled(p.handler, p.last_error)
    from pairs p join evd.route r on r.id = p.route_id left join evd.handler h on h.name = p.handler
    union all
    select 'stalled', null, null, p.handler, h.owner, null, evd.why_stalled(p.handler, null)
    from parts p left join evd.handler h on h.name = p.handler)
  select (select count(*) from pairs)::integer + (select count(*) from parts)::integer
$$;
