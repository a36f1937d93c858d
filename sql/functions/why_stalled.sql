-- Why a handler's pairs do not get done, in words. Reads handler, node.
create or replace function evd.why_stalled(p_handler text, p_last_error text) returns text
language sql stable
as $$
  select case when h.paused_at is not null then 'paused by ' || coalesce(h.paused_by, 'somebody')
              when h.breaker_opened_at is not null then 'out of reach (breaker open): ' || h.breaker_error
              when not evd.is_hosted(p_handler) then 'hosted by no running evd'
              when p_last_error is not null then 'failing: ' || p_last_error
              else 'waiting for its turn' end
  from (select 1) one left join evd.handler h on h.name = p_handler
$$;
