-- Takes the log up where it was restored into a server with lower transaction ids: from here on positions are this
-- server's ids plus a base that lies above all that is in the log, also those of what was emitted here before. The next
-- window begins where the last one ended, so that whatever no window took is taken. What is emitted meanwhile waits.
-- p_instance: the name from here on, for a copy that is to be an installation of its own.
-- Writes event, delivery, ingest_batch, event_window, meta; appends to action. Returns whether there was anything to adopt,
-- and how many events were emitted here before.
create or replace function evd.adopt(p_instance text default null, p_actor text default null,
                                     out was_behind boolean, out emitted_since bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
-- A restored log has no statistics yet, and what was emitted since is a small part of it.
set jit = off
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_window  evd.event_window;
  v_base    bigint;
  v_default text;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise 'evd.adopt must be a read committed transaction: what was emitted while it waited must be visible to it';
  end if;
  emitted_since := 0;
  was_behind := evd.is_behind();
  if was_behind then
    lock table evd.ingest_batch, evd.event_window, evd.event in access exclusive mode;   -- as others lock them
    was_behind := evd.is_behind();
  end if;
  if was_behind then
    select * into v_window from evd.event_window order by id desc limit 1;
    v_base := 1 + greatest(v_window.own_xid, pg_snapshot_xmax(v_window.hi),
                           (select e.xid from evd.event e order by e.xid desc, e.id desc limit 1))::text::bigint;
    with here as materialized (
      select e.id, e.xid, e.created_at from evd.emitted_since_restore() e
    ), batches as (
      update evd.ingest_batch b set xid = evd.shifted(b.xid, v_base - v_window.base)
        where b.xid in (select h.xid from here h)
    ), pairs as (
      update evd.delivery d set event_xid = evd.shifted(d.event_xid, v_base - v_window.base)
        from here h where d.event_id = h.id and d.event_xid = h.xid
    ), moved as (
      update evd.event e set xid = evd.shifted(e.xid, v_base - v_window.base)
        from here h where e.id = h.id and e.xid = h.xid and e.created_at = h.created_at
        returning 1
    )
    select count(*) into emitted_since from moved;
    v_default := format('evd.shifted(pg_current_xact_id(), %s)', v_base);
    execute 'alter table evd.event alter xid set default ' || v_default;
    execute 'alter table evd.event_window alter own_xid set default ' || v_default;
    execute 'alter table evd.ingest_batch alter xid set default ' || v_default;
    update evd.event_window w set base = v_base where w.id = v_window.id;
  end if;
  update evd.meta m set cluster = c.system_identifier::text, instance = coalesce(p_instance, m.instance)
    from pg_control_system() c;
  insert into evd.action (action, actor, why)
    values ('adopt', evd.actor_name(p_actor),
            case when was_behind then format('positions are transaction ids plus %s', v_base)
            else 'called ' || coalesce(p_instance, 'as before') end);
end
$$;
