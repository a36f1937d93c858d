-- The events written since p_since and before p_until (null: no end), of a name, or that expect a handler, where these
-- are given. In no order; by (xid, id) they come from the index as they are read. Security invoker and without settings,
-- so that it is inlined: a cursor over it streams, and reads no partition outside the time. Reads event, route.
create or replace function evd.history(p_since timestamptz, p_until timestamptz default null,
                                       p_event_name text default null, p_handler text default null)
returns setof evd.event
language sql stable
as $$
  select e.* from evd.event e
  where e.created_at >= p_since and e.created_at < coalesce(p_until, 'infinity')
    and e.route_id in (select r.id from evd.route r
                       where (p_event_name is null or r.event_name = p_event_name)
                         and (p_handler is null or p_handler = any (r.expected)))
$$;
