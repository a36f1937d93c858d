-- What an idle node must know, in one statement: for each of its handlers whether it is paused and whether a part or
-- a delivery of it is due. Reads handler, window_part, delivery.
create or replace function evd.poll(p_handlers text[])
returns table (handler text, is_paused boolean, has_part boolean, has_delivery boolean)
language sql
as $$
  select n.name, h.paused_at is not null,
         exists (select from evd.window_part p
                 where p.state = 'deferred' and p.handler = n.name and p.node_id is null
                   and p.next_at <= clock_timestamp()),
         exists (select from evd.delivery d
                 where d.state = 'waiting' and d.handler = n.name and d.next_at <= clock_timestamp())
  from unnest(p_handlers) n (name) left join evd.handler h on h.name = n.name
$$;
