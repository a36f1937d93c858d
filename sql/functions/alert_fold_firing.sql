-- Folds rows of the outbox that tell of trouble into groups. A pair counts once in a group, however often it failed; a
-- handler as a whole, or what evd.trouble calls a subject, counts as the pair of event 0.
-- Reads alert; writes alert_group, alert_pair.
create or replace function evd.alert_fold_firing(p_routes jsonb, p_ids bigint[]) returns void
language plpgsql
as $$
begin
  perform evd.alert_open_groups(p_routes, p_ids);
  with named as (
    select g.id as group_id, g.is_tracked as is_pair, a.*
    from evd.alert a
    cross join lateral evd.alert_targets(p_routes, a.owner, a.kind, a.handler) t (channel)
    join evd.alert_group g on g.channel = t.channel and g.kind = a.kind and g.event_name = coalesce(a.event_name, '')
      and g.handler = coalesce(a.handler, '') and g.state = 'open'
    where a.id = any (p_ids)),
  pairs as (
    insert into evd.alert_pair (group_id, event_id)
    select distinct n.group_id, coalesce(n.event_id, 0) from named n where n.is_pair
    on conflict do nothing
    returning group_id, event_id),
  new_pairs as (
    select p.group_id, count(*) as pairs from pairs p group by p.group_id),
  sums as (
    select n.group_id, count(*) filter (where not n.is_pair) as others, max(n.attempts) as attempts,
           min(n.at) as first_at, max(n.at) as last_at, max(n.owner) as owner,
           (array_agg(left(n.error, 2000) order by n.id desc) filter (where n.error is not null))[1] as error,
           array_agg(distinct n.event_id) filter (where n.event_id is not null) as event_ids,
           (array_agg(jsonb_build_object('event_id', n.event_id, 'attempts', n.attempts, 'error', left(n.error, 500),
                                         'at', evd.iso_time(n.at)) order by n.id))[1:3] as examples
    from named n group by n.group_id)
  update evd.alert_group g
    set count = g.count + s.others + coalesce(p.pairs, 0), pending = g.pending + coalesce(p.pairs, 0),
        owner = coalesce(s.owner, g.owner), attempts = greatest(g.attempts, s.attempts),
        last_error = coalesce(s.error, g.last_error),
        first_at = least(g.first_at, s.first_at), last_at = greatest(g.last_at, s.last_at),
        event_ids = evd.alert_merge_ids(g.event_ids, s.event_ids),
        examples = evd.alert_merge_examples(g.examples, to_jsonb(s.examples))
    from sums s left join new_pairs p using (group_id)
    where g.id = s.group_id;
end
$$;
