-- Deletes groups that are over and older than p_keep, up to p_limit. Returns how many. Writes alert_group.
create or replace function evd.alert_prune(p_keep interval, p_limit integer) returns integer
language sql
as $$
  with over as (
    select g.id from evd.alert_group g
    where g.last_at < clock_timestamp() - p_keep
      and (g.state in ('settled', 'dropped')
           or (g.state = 'sent' and g.pending = 0 and g.sent_at + g.repeat < clock_timestamp()))
    limit p_limit
    for update skip locked),
  gone as (
    delete from evd.alert_group g using over where g.id = over.id returning g.id)
  select count(*)::integer from gone
$$;
