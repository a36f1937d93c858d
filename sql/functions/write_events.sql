-- What evd.emit_many and evd.emit_batch have in common: writes events given as an array of objects, and returns their
-- ids in the same order. Reads route, meta, sleeper; appends to event, dedup. Errors as evd.emit_many.
--
-- The array is read once: what must be refused is refused by the row of the insert that meets it. The ids are drawn
-- while it is read, so that they are in its order however the join is done.
create or replace function evd.write_events(events jsonb) returns bigint[]
language plpgsql
as $$
declare
  v_far   timestamptz := clock_timestamp() + interval '100 years';
  v_ids   bigint[];
  v_keyed record;
begin
  if jsonb_typeof(events) is distinct from 'array' then
    raise 'events: must be an array of objects' using errcode = '22023';
  end if;
  if not jsonb_path_exists(events, '$[*].dedup_key ? (@ != null)') then
    with given as materialized (
      select nextval('evd.event_id_seq') as id, i.*
      from rows from (jsonb_to_recordset(events) as (event_name text, args jsonb, key text, deliver_at timestamptz,
                                                     headers jsonb)) with ordinality i),
    written as (
      insert into evd.event (id, route_id, args, key, due_at, headers)
      select i.id,
             case when r.id is null or pg_column_size(i.args) > r.max_args or i.deliver_at > v_far
                  then evd.refuse_event(i.ordinality - 1, i.event_name, pg_column_size(i.args), i.deliver_at)
                  else r.id end,
             coalesce(i.args, '[]'), i.key, i.deliver_at, i.headers
      from given i left join evd.route r on r.event_name = i.event_name and r.is_current)
    select array_agg(i.id) into v_ids from given i;
    if evd.has_sleeper() then
      perform evd.wake();
    end if;
    return coalesce(v_ids, '{}');
  end if;
  v_ids := array_fill(null::bigint, array[jsonb_array_length(events)]);
  perform evd.check_events(events);
  -- In sorted order, so that two callers with the same keys cannot deadlock.
  for v_keyed in select * from evd.parse_events(events) order by event_name, dedup_key, index loop
    v_ids[v_keyed.index + 1] := evd.emit(v_keyed.event_name, v_keyed.args, v_keyed.key, v_keyed.dedup_key,
                                         v_keyed.deliver_at, v_keyed.headers);
  end loop;
  return v_ids;
end
$$;
