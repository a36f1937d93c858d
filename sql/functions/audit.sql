-- The ledger, in pairs: emitted = done + resolved + outstanding + escalated + unaccounted, and unaccounted must be 0.
-- Success leaves no row, so done is what remains; evd.unaccounted is the proof that nothing hides in it. By running totals
-- and what is not simply done; with p_since, of the events written since, or p_full by reading the log.
-- Reads event, event_window, window_part, route, delivery, attempt, action, meta.
create or replace function evd.audit(p_since timestamptz default null, p_full boolean default false, out events bigint,
                                     out emitted bigint, out done bigint, out resolved bigint, out outstanding bigint,
                                     out escalated bigint, out unaccounted bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with scope as (
    select coalesce(p_since, '-infinity') as since, p_full or p_since is not null as is_by_event),
  log as (
    select m.events, m.pairs from scope s cross join lateral evd.emitted(p_since, s.is_by_event) m),
  settled as (
    select count(*) as resolved from evd.delivery d cross join scope s
    where d.state = 'resolved' and d.event_created_at >= s.since),
  waiting as (
    select coalesce(sum(o.pairs) filter (where o.place <> 'escalated'), 0) as outstanding,
           coalesce(sum(o.pairs) filter (where o.place = 'escalated'), 0) as escalated
    from scope s cross join lateral evd.outstanding(s.since) o),
  lost as (
    select coalesce(sum(u.pairs), 0) as pairs, coalesce(sum(u.pairs) filter (where not u.is_in_log), 0) as gone
    from evd.unaccounted(p_since, p_full) u),
  -- What is gone from the log is in the totals still.
  sums as (
    select l.events, (l.pairs + case when s.is_by_event then o.gone else 0 end)::bigint as emitted, t.resolved,
           w.escalated::bigint, w.outstanding::bigint, o.pairs::bigint as unaccounted
    from scope s, log l, settled t, waiting w, lost o)
  select s.events, s.emitted, s.emitted - s.resolved - s.outstanding - s.escalated - s.unaccounted, s.resolved,
         s.outstanding, s.escalated, s.unaccounted
  from sums s
$$;
