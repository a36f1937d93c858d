-- Refuses an event that is not in the log (VE004), and a handler that it does not expect (VE003).
-- Reads delivery, event, route.
create or replace function evd.check_pair(p_event_id bigint, p_handler text) returns void
language plpgsql stable
as $$
declare
  v_expected text[];
begin
  select r.expected into v_expected
    from evd.events_by_id(array[p_event_id]) e join evd.route r on r.id = e.route_id;
  if not found then
    raise 'event_id: no such event: %', p_event_id using errcode = 'VE004';
  end if;
  if p_handler is not null and p_handler <> all (v_expected) then
    raise 'handler: event % does not expect "%"', p_event_id, p_handler
      using errcode = 'VE003', hint = format('It expects %s.', array_to_string(v_expected, ', '));
  end if;
end
$$;
