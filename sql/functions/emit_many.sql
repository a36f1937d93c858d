-- Writes events given as an array of objects with the arguments of evd.emit as keys; returns their ids in the
-- same order. All or nothing. Reads route, meta, sleeper; appends to event, dedup.
-- VE001, VE002, 22023 as evd.emit, naming the index.
--
-- The array is read once: what must be refused is refused by the row of the insert that meets it. The ids are drawn
-- before, so that they are in the array's order however the join is done.
create or replace function evd.emit_many(events jsonb) returns bigint[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
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
    v_ids := array(select nextval('evd.event_id_seq') from generate_series(1, jsonb_array_length(events)));
    insert into evd.event (id, route_id, args, key, due_at, headers)
    select i.id,
           case when r.id is null or pg_column_size(i.args) > r.max_args or i.deliver_at > v_far
                then evd.refuse_event(i.ordinality - 1, i.event_name, pg_column_size(i.args), i.deliver_at)
                else r.id end,
           coalesce(i.args, '[]'), i.key, i.deliver_at, i.headers
    from rows from (jsonb_to_recordset(events) as (event_name text, args jsonb, key text, deliver_at timestamptz,
                                                   headers jsonb),
                    unnest(v_ids)) with ordinality i (event_name, args, key, deliver_at, headers, id, ordinality)
    left join evd.route r on r.event_name = i.event_name and r.is_current;
    perform evd.wake();
  else
    v_ids := array_fill(null::bigint, array[jsonb_array_length(events)]);
    perform evd.check_events(events);
    -- In sorted order, so that two callers with the same keys cannot deadlock.
    for v_keyed in select * from evd.parse_events(events) order by event_name, dedup_key, index loop
      v_ids[v_keyed.index + 1] := evd.emit(v_keyed.event_name, v_keyed.args, v_keyed.key, v_keyed.dedup_key,
                                           v_keyed.deliver_at, v_keyed.headers);
    end loop;
  end if;
  return v_ids;
end
$$;
