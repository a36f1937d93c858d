-- The rows of an array as evd.emit_many takes it, with each one's index from 0 and its route (null: no such event).
-- Reads route.
create or replace function evd.parse_events(p_events jsonb)
returns table (index bigint, route_id integer, max_args bigint, event_name text, args jsonb, key text,
               dedup_key text, deliver_at timestamptz, headers jsonb)
language sql stable
as $$
  select i.ordinality - 1, r.id, r.max_args, i.event_name, coalesce(i.args, '[]'), i.key, i.dedup_key,
         i.deliver_at, i.headers
  from rows from (jsonb_to_recordset(p_events) as (event_name text, args jsonb, key text, dedup_key text,
                                                   deliver_at timestamptz, headers jsonb)) with ordinality i
  left join evd.route r on r.event_name = i.event_name and r.is_current
$$;
