-- A time that is provably before the creation of every event not visible in p_lo, so that a claim's cost does
-- not grow with the partitions kept. Reads event_window, a bounded number of rows.
--
-- A window knows `at`, a clock reading from before its own transaction had an xid. An event invisible in p_lo has
-- an xid not below xmin(p_lo); if that is not below the window's xid, the event was written after `at`. A day is
-- taken off for clock steps. "The newest such window" is kept as a pointer that only moves forward.
create or replace function evd.raise_floor(p_floor_id bigint, p_floor timestamptz, p_lo pg_snapshot,
                                           out floor_id bigint, out floor timestamptz)
language plpgsql stable
as $$
declare
  v_window record;
begin
  floor_id := p_floor_id;
  floor := p_floor;
  for v_window in
    select w.id, w.at, w.own_xid from evd.event_window w where w.id > p_floor_id order by w.id limit 256
  loop
    exit when v_window.own_xid > pg_snapshot_xmin(p_lo);
    floor_id := v_window.id;
    floor := greatest(floor, v_window.at - interval '1 day');
  end loop;
end
$$;
