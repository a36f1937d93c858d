-- The pairs that can be proved to be neither done, settled nor waiting anywhere, and why. There must be none. event_id
-- is null where rows of the log are gone, so that nothing names them; handler is null for all of an event's.
-- By totals; with p_since or p_full by event. Reads what evd.unaccounted_by_totals or evd.unaccounted_by_event reads.
create or replace function evd.unaccounted(p_since timestamptz default null, p_full boolean default false)
returns table (event_id bigint, handler text, pairs bigint, is_in_log boolean, why text)
language sql stable
as $$
  select * from evd.unaccounted_by_event(p_since) where p_full or p_since is not null
  union all
  select * from evd.unaccounted_by_totals() where not (p_full or p_since is not null)
$$;
