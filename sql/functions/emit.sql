-- Writes one event and returns its id; with a dedup_key that is known, the id of the event that has it.
-- Reads route, meta, sleeper; appends to event, dedup. VE001: no such event. VE002: args too large. 22023: deliver_at out of range.
create or replace function evd.emit(event_name text, args jsonb default '[]', key text default null,
                                    dedup_key text default null, deliver_at timestamptz default null,
                                    headers jsonb default null) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  v_route    integer;
  v_max_args bigint;
  v_id       bigint;
  v_known    bigint;
begin
  -- In one statement where nothing is wrong; what is, is found out below.
  if dedup_key is null and coalesce(deliver_at < clock_timestamp() + interval '100 years', true) then
    insert into evd.event (route_id, args, key, due_at, headers)
      select r.id, coalesce(args, '[]'), key, deliver_at, headers from evd.route r
      where r.event_name = emit.event_name and r.is_current and pg_column_size(coalesce(args, '[]')) <= r.max_args
      returning id into v_id;
    if v_id is not null then
      if evd.has_sleeper() then
        perform evd.wake();
      end if;
      return v_id;
    end if;
  end if;

  select r.id, r.max_args into v_route, v_max_args
    from evd.route r where r.event_name = emit.event_name and r.is_current;
  if v_route is null then
    raise 'event_name: no such event: "%"', event_name using errcode = 'VE001',
      hint = 'Events are made known by "evctl apply".';
  end if;
  if pg_column_size(args) > v_max_args then
    raise 'args: % bytes are more than the % allowed for "%"', pg_column_size(args), v_max_args, event_name
      using errcode = 'VE002';
  end if;
  if deliver_at > clock_timestamp() + interval '100 years' then
    raise 'deliver_at: % is more than 100 years ahead', deliver_at using errcode = '22023';
  end if;

  v_id := nextval('evd.event_id_seq');
  if dedup_key is not null then
    v_known := evd.claim_dedup_key(event_name, dedup_key, v_id);
    if v_known <> v_id then
      return v_known;
    end if;
  end if;
  insert into evd.event (id, route_id, args, key, due_at, headers)
    values (v_id, v_route, coalesce(args, '[]'), key, deliver_at, headers);
  perform evd.wake();
  return v_id;
end
$$;
