-- Takes the next window of the log for a node: up to p_limit events, in (xid, id) order.
-- Reads event, route, node; appends to event_window. Returns the new window, or no row and writes nothing when there
-- is nothing to take. VE020: the node is fenced or unknown.
--
-- Transactions commit in another order than they take ids, so events are taken between two snapshots, as PgQ
-- does: what is visible in hi and not in lo is a fixed set. First the stragglers (in progress in lo, finished in
-- hi), then the main run from xmax(lo) on; when the pair of snapshots is used up, which the last window of it
-- says, hi becomes lo and now becomes hi. A long transaction so delays no events but its own.
create or replace function evd.claim(p_node bigint, p_token bigint, p_limit integer)
returns setof evd.event_window
language plpgsql
-- Only the index on (xid, id) serves; a plan made before statistics exist must not think otherwise.
set jit = off   -- by its estimate such a plan looks worth compiling, which takes far longer than it
set max_parallel_workers_per_gather = 0
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_at      timestamptz := clock_timestamp();   -- before this transaction has an xid: see floor
  v_last    evd.event_window;
  v_new     evd.event_window;
  v_late    xid8[];
  v_routes  integer[];
  v_all     xid8;   -- whatever is before it is in hi: cheaper to compare with
  v_rotated boolean := false;
begin
  -- Under repeatable read two nodes would take the same window; after a write of its own, this transaction's
  -- events would be missed by the snapshot it takes.
  if current_setting('transaction_isolation') <> 'read committed'
     or pg_current_xact_id_if_assigned() is not null then
    raise 'evd.claim must be a read committed transaction of its own';
  end if;
  -- WAL is a prefix: nothing that depends on this claim can outlive it, and losing it repeats a window.
  perform set_config('synchronous_commit', 'off', true);
  perform pg_advisory_xact_lock(6649444, 1);
  perform evd.check_living(p_node);

  select * into strict v_last from evd.event_window order by id desc limit 1;
  v_new := v_last;
  v_new.from_xid := v_last.to_xid;
  v_new.from_id := v_last.to_id;
  loop
    if v_new.is_last then
      if v_rotated then
        return;
      end if;
      v_rotated := true;
      v_new.lo := v_last.hi;
      v_new.hi := pg_current_snapshot();
      if v_last.base > 0 then
        v_new.hi := evd.shifted(v_new.hi, v_last.base);
      end if;
      v_new.from_xid := '0';
      v_new.from_id := -1;
      -- A pointer that is a few windows behind serves as well, while these are no more than a day.
      if v_last.id > v_last.floor_id + 16 or v_last.floor < v_at - interval '2 days' then
        select f.floor_id, f.floor into v_new.floor_id, v_new.floor
          from evd.raise_floor(v_last.floor_id, v_last.floor, v_new.lo) f;
      end if;
    end if;

    if v_new.from_xid < pg_snapshot_xmax(v_new.lo) then
      v_late := evd.stragglers(v_new.lo, v_new.hi);
      if v_late <> '{}' then
        select count(*), (array_agg(s.xid))[count(*)::int], (array_agg(s.id))[count(*)::int],
               array_agg(s.route_id), min(s.created_at), max(s.created_at)
          into v_new.events, v_new.to_xid, v_new.to_id, v_routes, v_new.oldest, v_new.newest
          from (select e.xid, e.id, e.route_id, e.created_at from evd.event e
                where e.xid = any (v_late) and (e.xid, e.id) > (v_new.from_xid, v_new.from_id)
                  and e.created_at >= v_new.floor
                order by e.xid, e.id limit p_limit) s;
        v_new.is_last := false;
        exit when v_new.events > 0;
      end if;
      v_new.from_xid := pg_snapshot_xmax(v_new.lo);
      v_new.from_id := -1;
    end if;

    v_all := pg_snapshot_xmin(v_new.hi);
    select count(*), (array_agg(m.xid))[count(*)::int], (array_agg(m.id))[count(*)::int],
           array_agg(m.route_id), min(m.created_at), max(m.created_at)
      into v_new.events, v_new.to_xid, v_new.to_id, v_routes, v_new.oldest, v_new.newest
      from (select e.xid, e.id, e.route_id, e.created_at from evd.event e
            where (e.xid, e.id) > (v_new.from_xid, v_new.from_id)
              and e.xid < pg_snapshot_xmax(v_new.hi)
              and (e.xid < v_all or pg_visible_in_snapshot(e.xid, v_new.hi))
              and e.created_at >= v_new.floor
            order by e.xid, e.id limit p_limit) m;
    v_new.is_last := v_new.events = 0 or coalesce(v_new.events < p_limit, true);
    exit when v_new.events > 0;
  end loop;

  select coalesce(sum(u.events * cardinality(r.expected)), 0) into v_new.pairs
    from (select t.route_id, count(*) as events from unnest(v_routes) t (route_id) group by t.route_id) u
    join evd.route r on r.id = u.route_id;
  insert into evd.event_window (id, node_id, token, at, floor, floor_id, lo, hi, from_xid, from_id, to_xid, to_id,
                                events, total_events, pairs, total_pairs, oldest, newest, base, is_last, low_id)
  select v_last.id + 1, p_node, p_token, v_at, v_new.floor, v_new.floor_id, v_new.lo, v_new.hi, v_new.from_xid,
         v_new.from_id, v_new.to_xid, v_new.to_id, v_new.events, v_last.total_events + v_new.events,
         v_new.pairs, coalesce(v_last.total_pairs, evd.pairs_taken(v_last)) + v_new.pairs, v_new.oldest, v_new.newest,
         v_last.base, v_new.is_last,
         coalesce((select w.id from evd.event_window w where w.id >= v_last.low_id and w.closed_at is null
                   order by w.id limit 1), v_last.id + 1)
  returning * into v_new;
  return next v_new;
end
$$;
