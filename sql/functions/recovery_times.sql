-- How long it took from a pair's first failure until it was done, and from an alert until a channel had taken it, of those
-- that came to that end within p_within: how many, the median and the longest, in seconds; null: there were none.
-- Reads delivery, attempt, alert_group.
create or replace function evd.recovery_times(p_within interval default '1 day')
returns table (handler text, recovered bigint, recovery_median double precision, recovery_longest double precision,
               told bigint, telling_median double precision, telling_longest double precision)
language sql stable
as $$
  with recovered as (
    select d.handler, extract(epoch from d.ended_at - f.failed_at)::double precision as seconds
    from evd.delivery d
    cross join lateral (
      select min(a.ended_at) as failed_at from evd.attempt a where a.event_id = d.event_id and a.handler = d.handler) f
    where d.state = 'done' and d.run > 1 and d.ended_at > clock_timestamp() - p_within and f.failed_at is not null),
  recoveries as (
    select r.handler, count(*) as pairs, percentile_cont(0.5) within group (order by r.seconds) as median,
           max(r.seconds) as longest
    from recovered r group by r.handler),
  tellings as (
    select g.handler, count(*) as messages,
           percentile_cont(0.5) within group (order by extract(epoch from g.sent_at - g.first_at)) as median,
           max(extract(epoch from g.sent_at - g.first_at))::double precision as longest
    from evd.alert_group g
    where g.sent_at > clock_timestamp() - p_within and g.kind <> 'recovered' and g.handler <> '' and g.channel <> '(log)'
    group by g.handler)
  select coalesce(r.handler, t.handler), coalesce(r.pairs, 0), r.median, r.longest, coalesce(t.messages, 0), t.median,
         t.longest
  from recoveries r full join tellings t on t.handler = r.handler
$$;
