-- Refuses a handler that is not known (VE003). Reads handler.
create or replace function evd.check_handler(p_handler text) returns void
language plpgsql stable
as $$
begin
  if not exists (select from evd.handler h where h.name = p_handler) then
    raise 'handler: no such handler: "%"', p_handler
      using errcode = 'VE003', hint = 'Handlers are made known by "evctl apply".';
  end if;
end
$$;
