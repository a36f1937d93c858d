-- What does not get done, by cause, the most frequent first: unresolved deliveries that have an error, the errors told
-- apart by evd.error_fingerprint. Of a state, an owner, or events written since p_since where these are given. Reads
-- delivery, route, handler.
create or replace function evd.failures(p_event_name text default null, p_handler text default null,
                                        p_limit integer default 50, p_state text default null,
                                        p_owner text default null, p_since timestamptz default null)
returns table (event_name text, handler text, state text, error text, pairs bigint, first_at timestamptz,
               last_at timestamptz, example bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select r.event_name, c.handler, c.state, c.error, sum(c.pairs)::bigint, min(c.first_at), max(c.last_at),
         min(c.example)
  from (
    -- Errors that are the same to the letter are counted before they are folded, which takes longer.
    select s.route_id, s.handler, s.state, evd.error_fingerprint(s.last_error) as error, s.pairs, s.first_at, s.last_at,
           s.example
    from (select d.route_id, d.handler, d.state, d.last_error, count(*) as pairs, min(d.event_created_at) as first_at,
                 max(d.ended_at) as last_at, min(d.event_id) as example
          from evd.delivery d
          where d.state in ('waiting', 'running', 'escalated') and d.last_error is not null
            and (p_state is null or d.state = p_state) and (p_handler is null or d.handler = p_handler)
            and (p_since is null or d.event_created_at >= p_since)
          group by d.route_id, d.handler, d.state, d.last_error) s) c
  join evd.route r on r.id = c.route_id
  left join evd.handler h on h.name = c.handler
  where (p_event_name is null or r.event_name = p_event_name)
    and (p_owner is null or coalesce(h.owner, r.owner) = p_owner)
  group by r.event_name, c.handler, c.state, c.error
  order by sum(c.pairs) desc, max(c.last_at) desc nulls last limit p_limit
$$;
