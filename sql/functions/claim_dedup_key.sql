-- Gives a dedup key to an event, unless another event has it; returns the id of the one that has it. A
-- concurrent caller waits for the first to commit or roll back. Reads meta; writes dedup.
create or replace function evd.claim_dedup_key(p_event_name text, p_key text, p_id bigint) returns bigint
language plpgsql
as $$
declare
  v_id bigint;
begin
  insert into evd.dedup as d (event_name, key, event_id) values (p_event_name, p_key, p_id)
    on conflict (event_name, key) do update
      set event_id = excluded.event_id, created_at = excluded.created_at
      where d.created_at < clock_timestamp() - (select m.dedup_retention from evd.meta m)
    returning d.event_id into v_id;
  if v_id is null then
    select d.event_id into v_id from evd.dedup d where d.event_name = p_event_name and d.key = p_key;
  end if;
  return v_id;
end
$$;
