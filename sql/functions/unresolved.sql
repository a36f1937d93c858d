-- The events that are not processed, with their status (0, 1 or 3), the newest first: of evd.events, in a form that names
-- them alone. Reads what evd.events reads of what is unfinished, and nothing of the rest.
create or replace function evd.unresolved(p_statuses integer[] default '{0,1,3}')
returns table (event_id bigint, event_xid xid8, event_created_at timestamptz, status integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select v.id, v.xid, v.created_at, v.status from evd.events v
  where v.status <> 2 and v.status = any (p_statuses)
  order by v.xid desc, v.id desc
$$;
