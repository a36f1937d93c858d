-- Refuses an event of an array that evd.emit_many was given, saying which and why: VE001, VE002, or 22023. Never
-- returns; its type is that of what the caller would have had instead. Reads route.
create or replace function evd.refuse_event(p_index bigint, p_event_name text, p_size integer, p_deliver_at timestamptz)
returns integer
language plpgsql
as $$
declare
  v_max_args bigint;
begin
  select r.max_args into v_max_args from evd.route r where r.event_name = p_event_name and r.is_current;
  if not found then
    raise 'events[%].event_name: no such event: "%"', p_index, p_event_name using errcode = 'VE001';
  elsif p_size > v_max_args then
    raise 'events[%].args: % bytes are more than the % allowed for "%"', p_index, p_size, v_max_args, p_event_name
      using errcode = 'VE002';
  end if;
  raise 'events[%].deliver_at: % is more than 100 years ahead', p_index, p_deliver_at using errcode = '22023';
end
$$;
