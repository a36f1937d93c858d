-- What does not get done, by cause, the most frequent first: unresolved deliveries that have an error. Reads delivery,
-- route, handler.
create or replace function evd.failures(p_event_name text default null, p_handler text default null,
                                        p_limit integer default 50)
returns table (event_name text, handler text, state text, error text, pairs bigint, first_at timestamptz,
               last_at timestamptz, example bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select r.event_name, d.handler, d.state, left(d.last_error, 200), count(*), min(d.event_created_at),
         max(d.ended_at), min(d.event_id)
  from evd.delivery d join evd.route r on r.id = d.route_id
  where d.state in ('waiting', 'running', 'escalated') and d.last_error is not null
    and (p_event_name is null or r.event_name = p_event_name) and (p_handler is null or d.handler = p_handler)
  group by r.event_name, d.handler, d.state, left(d.last_error, 200)
  order by count(*) desc, max(d.ended_at) desc limit p_limit
$$;
