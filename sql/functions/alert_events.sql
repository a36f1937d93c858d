-- The unresolved events that an alert tells of, and its handler. Reads alert_pair, alert_group.
create or replace function evd.alert_events(p_group bigint) returns table (event_id bigint, handler text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select p.event_id, g.handler
  from evd.alert_pair p join evd.alert_group g on g.id = p.group_id
  where g.id = p_group and p.event_id > 0
  order by p.event_id
$$;
