-- Appends the "recovered" that is owed to whoever was told of a handler as a whole, once nothing of that is left.
-- Reads handler, window_part; appends to alert.
create or replace function evd.tell_handler_recovered(p_handler text) returns void
language sql
as $$
  insert into evd.alert (kind, handler, owner)
  select 'recovered', h.name, h.owner from evd.handler h
  where h.name = p_handler and h.breaker_opened_at is null
    and not exists (select from evd.window_part p
                    where p.handler = h.name and p.state = 'deferred' and p.stalled_at is not null)
$$;
