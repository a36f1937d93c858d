-- Writes events given as an array of objects with the arguments of evd.emit as keys; returns their ids in the
-- same order. All or nothing. Reads route, meta, sleeper; appends to event, dedup.
-- VE001, VE002, 22023 as evd.emit, naming the index.
create or replace function evd.emit_many(events jsonb) returns bigint[]
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bad   record;
  v_ids   bigint[];
  v_keyed record;
begin
  if jsonb_typeof(events) is distinct from 'array' then
    raise 'events: must be an array of objects' using errcode = '22023';
  end if;
  select * into v_bad from evd.check_events(events);
  if found then
    raise 'events[%].%', v_bad.index, v_bad.problem using errcode = v_bad.code;
  end if;

  if not jsonb_path_exists(events, '$[*].dedup_key ? (@ != null)') then
    with written as (
      insert into evd.event (id, route_id, args, key, due_at, headers)
      select nextval('evd.event_id_seq'), i.route_id, i.args, i.key, i.deliver_at, i.headers
      from (select * from evd.parse_events(events) order by index) i
      returning id)
    select array_agg(w.id order by w.id) into v_ids from written w;   -- ids were given in the array's order
    perform evd.wake();
  else
    -- In sorted order, so that two callers with the same keys cannot deadlock.
    v_ids := array_fill(null::bigint, array[jsonb_array_length(events)]);
    for v_keyed in select * from evd.parse_events(events) order by event_name, dedup_key, index loop
      v_ids[v_keyed.index + 1] := evd.emit(v_keyed.event_name, v_keyed.args, v_keyed.key, v_keyed.dedup_key,
                                           v_keyed.deliver_at, v_keyed.headers);
    end loop;
  end if;
  return coalesce(v_ids, '{}');
end
$$;
