-- Folds up to p_limit rows of the outbox into the groups of their channels, and takes them out of it. One caller at a
-- time; another gets 0, and so does one that finds nothing. A pair's trouble and its "recovered" lie in the outbox in
-- that order, so rows are folded in runs that hold only the one or only the other. Returns how many rows it folded;
-- call it until it returns 0. p_routes: see evd.alert_targets; each channel there also has group_wait_ms and repeat_ms.
-- Reads and deletes from alert; writes alert_group, alert_pair.
create or replace function evd.alert_fold(p_routes jsonb, p_limit integer) returns integer
language plpgsql
as $$
declare
  v_ids       bigint[];
  v_recovered boolean;
begin
  if not pg_try_advisory_xact_lock(hashtext('evd.alert_fold')) then
    return 0;
  end if;
  with head as (
    select a.id, a.kind = 'recovered' as is_recovered from evd.alert a order by a.id limit p_limit),
  first_row as (
    select h.is_recovered from head h order by h.id limit 1)
  select array_agg(h.id order by h.id), bool_and(h.is_recovered) into v_ids, v_recovered
    from head h cross join first_row f
    where h.id < coalesce((select min(o.id) from head o where o.is_recovered <> f.is_recovered), 9223372036854775807);
  if v_ids is null then
    return 0;
  end if;
  if v_recovered then
    perform evd.alert_fold_recovered(v_ids);
  else
    perform evd.alert_fold_firing(p_routes, v_ids);
  end if;
  delete from evd.alert where id = any (v_ids);
  return cardinality(v_ids);
end
$$;
