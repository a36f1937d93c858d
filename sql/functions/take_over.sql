-- Frees up to p_limit windows, parts and running deliveries that fenced nodes hold; call it until it returns 0.
-- Sessions amid a batch for a dead node are ended where that is allowed; what is locked all the same is left for the next
-- pass. Something that cannot be freed must not keep the rest: all is then freed one by one, and somebody is told of what
-- is left. Reads and writes what evd.take_over_one does. Returns how many it freed.
create or replace function evd.take_over(p_limit integer) returns integer
language plpgsql
as $$
begin
  perform evd.end_sessions_of_fenced();
  return evd.take_over_page(p_limit, false);
exception when others then
  -- A subtransaction for each, and many of those in one transaction are slow for everybody.
  return evd.take_over_page(least(p_limit, 50), true);
end
$$;
