-- A transaction id, or a snapshot, as a position in the log.
create or replace function evd.shifted(p_xid xid8, p_base bigint) returns xid8
language sql immutable parallel safe
as $$
  select (p_xid::text::bigint + p_base)::text::xid8
$$;

create or replace function evd.shifted(p_snapshot pg_snapshot, p_base bigint) returns pg_snapshot
language sql immutable parallel safe
as $$
  select (evd.shifted(pg_snapshot_xmin(p_snapshot), p_base)::text || ':'
          || evd.shifted(pg_snapshot_xmax(p_snapshot), p_base)::text || ':'
          || coalesce((select string_agg(evd.shifted(x, p_base)::text, ',' order by x)
                       from pg_snapshot_xip(p_snapshot) x), ''))::pg_snapshot
$$;
