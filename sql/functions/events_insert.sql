-- Makes `insert into evd.events (event_name, args, …)` an emit. Calls evd.emit.
create or replace function evd.events_insert() returns trigger
language plpgsql
as $$
begin
  new.id := evd.emit(new.event_name, coalesce(new.args, '[]'), new.key, null, new.deliver_at, new.headers);
  return new;
end
$$;
