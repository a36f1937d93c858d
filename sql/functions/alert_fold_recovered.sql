-- Folds "recovered" rows of the outbox: takes their pairs out of every group that tells of them, and ends the groups
-- that have none left. A pair that nobody was told of leaves no trace; one without an event is the handler as a whole. Reads alert; writes alert_group, alert_pair.
create or replace function evd.alert_fold_recovered(p_ids bigint[]) returns void
language plpgsql
as $$
declare
  v_groups bigint[];
begin
  -- A sender may be taking one of these groups: the locks make it wait, or this, and in the order of ids.
  perform from evd.alert_group g
    where g.id in (select p.group_id from evd.alert a join evd.alert_pair p on p.event_id = coalesce(a.event_id, 0)
                   where a.id = any (p_ids))
    order by g.id for no key update;
  with gone as (
    delete from evd.alert_pair p using evd.alert_group g, evd.alert a
    where a.id = any (p_ids) and p.event_id = coalesce(a.event_id, 0) and g.id = p.group_id and g.handler = a.handler
    returning p.group_id, p.event_id),
  sums as (
    select d.group_id, count(*) as pairs, array_agg(d.event_id) as event_ids from gone d group by d.group_id),
  changed as (
    update evd.alert_group g
      set pending = g.pending - s.pairs,
          count = g.count - case when g.state = 'sent' or g.lease is not null then 0 else s.pairs end
      from sums s where g.id = s.group_id
      returning g.id)
  select array_agg(c.id) into v_groups from changed c;
  -- Who has not been told yet hears only of what is still unresolved.
  update evd.alert_group g
    set event_ids = array(select p.event_id from evd.alert_pair p where p.group_id = g.id and p.event_id > 0
                          order by p.event_id limit 100),
        examples = (select coalesce(jsonb_agg(e), '[]') from jsonb_array_elements(g.examples) e
                    where exists (select from evd.alert_pair p
                                  where p.group_id = g.id and p.event_id = coalesce((e ->> 'event_id')::bigint, 0)))
    where g.id = any (v_groups) and g.state in ('open', 'sending') and g.lease is null;
  perform evd.alert_settle(v_groups);
end
$$;
