-- The events of these ids. One that has a delivery is found by the position it carries, any other by the index on id.
-- Reads delivery, event.
create or replace function evd.events_by_id(p_ids bigint[]) returns setof evd.event
language plpgsql stable
set jit = off   -- by its estimate such a plan looks worth compiling, which takes far longer than it
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_id bigint;
  v_at record;
begin
  foreach v_id in array p_ids loop
    select d.event_xid, d.event_created_at into v_at from evd.delivery d where d.event_id = v_id limit 1;
    if found then
      return query select e.* from evd.event e
        where e.created_at = v_at.event_created_at and e.xid = v_at.event_xid and e.id = v_id;
    else
      return query select e.* from evd.event e where e.id = v_id;
    end if;
  end loop;
end
$$;
