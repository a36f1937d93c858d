-- Deletes up to p_limit deliveries whose event is gone, with their attempts and what people did about them. Returns how
-- many. Writes delivery, attempt, action; reads event_window.
--
-- Ids and positions are nearly in the same order: it looks no further than the oldest window of which something is left.
create or replace function evd.prune_deliveries(p_limit integer) returns integer
language sql
as $$
  with begins as materialized (
    select evd.log_begins_at() as at),
  gone as (
    delete from evd.delivery d
    using (select x.event_id, x.handler from evd.delivery x
           where x.event_id <= coalesce((select w.to_id from evd.event_window w, begins b
                                         where coalesce(w.newest, w.closed_at, 'infinity') >= b.at
                                         order by w.id limit 1), 9223372036854775807)
             and x.state in ('done', 'resolved') and x.event_created_at < (select b.at from begins b)
           order by x.event_id limit p_limit) o
    where d.event_id = o.event_id and d.handler = o.handler and d.state in ('done', 'resolved')
    returning d.event_id, d.handler),
  attempts as (
    delete from evd.attempt a using gone g where a.event_id = g.event_id and a.handler = g.handler),
  actions as (
    delete from evd.action c using gone g
    where c.event_id = g.event_id and (c.handler = g.handler or c.handler is null))
  select count(*)::integer from gone
$$;
