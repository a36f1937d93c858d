-- The event ids that a group shows: in order, each once, the first hundred. Reads nothing.
create or replace function evd.alert_merge_ids(p_old bigint[], p_new bigint[]) returns bigint[]
language sql immutable
as $$
  select coalesce((array_agg(u.id order by u.id))[1:100], '{}')
  from (select distinct unnest(p_old || p_new) as id) u
$$;
