-- Why the unresolved pairs that an alert tells of failed, the three most frequent causes: errors that evd.error_fingerprint
-- takes for one, with their number. Reads alert_group, alert_pair, delivery.
create or replace function evd.alert_causes(p_group bigint) returns jsonb
language sql stable
set jit = off
as $$
  select coalesce(jsonb_agg(jsonb_build_object('pairs', c.pairs, 'error', c.error) order by c.pairs desc, c.error), '[]')
  from (select count(*) as pairs, evd.error_fingerprint(d.last_error) as error
        from evd.alert_group g
        join evd.alert_pair p on p.group_id = g.id
        join evd.delivery d on d.event_id = p.event_id and d.handler = g.handler
        where g.id = p_group and d.last_error is not null
        group by 2 order by 1 desc, 2 limit 3) c
$$;
