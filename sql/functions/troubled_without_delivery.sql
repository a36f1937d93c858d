-- The pairs that failed once, or that a person acted on, since p_since, and that have no delivery any more: one that had
-- trouble is kept until retention takes its event. Reads attempt, action, delivery, event.
create or replace function evd.troubled_without_delivery(p_since timestamptz)
returns table (event_id bigint, handler text)
language sql stable
as $$
  select h.event_id, h.handler
  from (select a.event_id, a.handler from evd.attempt a where a.ended_at >= p_since
        union
        select c.event_id, c.handler from evd.action c
        where c.at >= p_since and c.event_id is not null and c.handler is not null) h
  where not exists (select from evd.delivery d where d.event_id = h.event_id and d.handler = h.handler)
    and exists (select from evd.events_by_id(array[h.event_id]))
$$;
