-- What fenced nodes hold: windows, then parts, then running deliveries, oldest first.
-- Reads node, event_window, window_part, delivery.
create or replace function evd.held_by_fenced()
returns table (what text, id bigint, handler text, node_id bigint)
language sql stable
as $$
  with fenced as materialized (select n.id from evd.node n where n.fenced_at is not null)
  (select 'window', w.id, null, w.node_id from evd.event_window w
   where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1) and w.closed_at is null
     and w.node_id in (select f.id from fenced f)
   order by w.id)
  union all
  (select 'part', p.window_id, p.handler, p.node_id from evd.window_part p
   where p.state = 'deferred' and p.node_id in (select f.id from fenced f)
   order by p.window_id)
  union all
  (select 'delivery', d.event_id, d.handler, d.node_id from evd.delivery d
   where d.state = 'running' and d.node_id in (select f.id from fenced f)
   order by d.event_id)
$$;
