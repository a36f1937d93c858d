-- The ledger, in pairs: emitted = done + resolved + outstanding + escalated + unaccounted, and unaccounted must be 0.
-- Success leaves no row, so done is what remains; evd.unaccounted is the proof that nothing hides in it. Reads the log
-- from p_since on, or all of it.
-- Reads event, event_window, window_part, route, delivery, attempt, action, meta.
create or replace function evd.audit(p_since timestamptz default null, out events bigint, out emitted bigint,
                                     out done bigint, out resolved bigint, out outstanding bigint,
                                     out escalated bigint, out unaccounted bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with scope as (
    select coalesce(p_since, '-infinity') as since),
  log as (
    select count(*) as events, coalesce(sum(cardinality(r.expected)), 0) as pairs
    from evd.event e join evd.route r on r.id = e.route_id cross join scope s
    where e.created_at >= s.since),
  settled as (
    select count(*) as resolved from evd.delivery d cross join scope s
    where d.state = 'resolved' and d.event_created_at >= s.since),
  waiting as (
    select coalesce(sum(o.pairs) filter (where o.place <> 'escalated'), 0) as outstanding,
           coalesce(sum(o.pairs) filter (where o.place = 'escalated'), 0) as escalated
    from scope s cross join lateral evd.outstanding(s.since) o),
  lost as (
    select coalesce(sum(u.pairs), 0) as pairs, coalesce(sum(u.pairs) filter (where not u.is_in_log), 0) as gone
    from evd.unaccounted(p_since) u),
  sums as (
    select l.events, (l.pairs + o.gone)::bigint as emitted, t.resolved, w.escalated::bigint,
           w.outstanding::bigint, o.pairs::bigint as unaccounted
    from log l, settled t, waiting w, lost o)
  select s.events, s.emitted, s.emitted - s.resolved - s.outstanding - s.escalated - s.unaccounted, s.resolved,
         s.outstanding, s.escalated, s.unaccounted
  from sums s
$$;
