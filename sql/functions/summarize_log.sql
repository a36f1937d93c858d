-- Brings the index on the events' ids up to date, so that a look-up by id does not read all that was written since
-- autovacuum last came by: it reads each unsummarised range of pages once, and finds quickly that there is none. Only of
-- the partitions that are being written to: those of today and yesterday, and the default one. Takes no lock that an emit
-- waits for. Where another holds a lock of that kind (another node summarises, or autovacuum works), it leaves a partition
-- to the next call. Returns how many ranges of pages it summarised. Writes event's indexes.
create or replace function evd.summarize_log() returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '10ms'
as $$
declare
  v_index regclass;
  v_done  integer := 0;
begin
  for v_index in
    select x.indexrelid::regclass
    from pg_inherits h
    join pg_class c on c.oid = h.inhrelid
    join pg_index x on x.indrelid = c.oid and x.indisvalid
    join pg_class i on i.oid = x.indexrelid
    join pg_am a on a.oid = i.relam and a.amname = 'brin'
    where h.inhparent = 'evd.event'::regclass
      and c.relname in ('event_default', 'event_' || to_char(current_date, 'YYYYMMDD'),
                        'event_' || to_char(current_date - 1, 'YYYYMMDD'))
  loop
    begin
      v_done := v_done + brin_summarize_new_values(v_index);
    exception when lock_not_available then
      null;
    end;
  end loop;
  return v_done;
end
$$;
