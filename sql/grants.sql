-- Who may do what. evd_owner has the schema; evd_worker runs evd and evrecover; evd_operator is for the verbs of evctl;
-- evd_reader looks; evd_emitter emits and can do nothing else. Run again after every migration.
revoke all on schema evd from public;
revoke all on all tables in schema evd from public, evd_worker, evd_operator, evd_reader, evd_emitter;
revoke execute on all functions in schema evd from public, evd_worker, evd_operator, evd_reader, evd_emitter;
grant usage on schema evd to evd_worker, evd_operator, evd_reader, evd_emitter;

-- To emit. The id alone can be read, for `insert … returning id`.
grant execute on function evd.emit(text, jsonb, text, text, timestamptz, jsonb), evd.emit_many(jsonb),
  evd.emit_batch(uuid, jsonb)
  to evd_emitter, evd_operator, evd_worker;
-- To have the changes of a table emitted; on which tables is up to who owns them.
grant execute on function evd.capture(regclass, text, text[], text[], text), evd.uncapture(regclass, text),
  evd.capture_row(), evd.check_event(text) to evd_emitter, evd_operator, evd_worker;
-- For handlers. An emitter could use up a key before the handler does.
grant execute on function evd.first_time(text) to evd_operator, evd_worker;
grant insert, select (id) on evd.events to evd_emitter;
grant select (schema_version, instance, cluster) on evd.meta to evd_emitter;
grant execute on function evd.is_behind() to evd_emitter, evd_reader, evd_operator;
grant insert on evd.events to evd_operator, evd_worker;

-- To look. The views call functions, which run with the reader's rights.
grant select on evd.events, evd.deliveries, evd.event_window, evd.window_part, evd.route, evd.handler, evd.node,
  evd.meta, evd.trouble, evd.alert_channel to evd_reader, evd_operator;
grant execute on function evd.in_window(xid8, bigint, evd.event_window), evd.unfinished_runs(), evd.event_pairs(evd.event),
  evd.handlers_done(evd.event), evd.is_settled(evd.event), evd.end_xid(), evd.end_id(), evd.has_unresolved(bigint),
  evd.is_processed(xid8, bigint, timestamptz, integer), evd.is_overdue(timestamptz, timestamptz, integer),
  evd.show(bigint), evd.status_report(), evd.alerts(boolean, integer, bigint), evd.alert_events(bigint),
  evd.failures(text, text, integer, text, text, timestamptz),
  evd.error_fingerprint(text), evd.unresolved(integer[]),
  evd.audit(timestamptz, boolean), evd.audit_missing(integer, timestamptz, boolean), evd.config_drift(jsonb),
  evd.config_difference(jsonb), evd.config_entries(jsonb), evd.route_json(evd.route), evd.handler_json(evd.handler),
  evd.iso_time(timestamptz), evd.log_snapshot(), evd.shifted(xid8, bigint), evd.shifted(pg_snapshot, bigint)
  to evd_reader, evd_operator;

-- To act. These functions are the owner's, so an operator needs no table.
grant select on all tables in schema evd to evd_operator;
grant execute on function evd.history(timestamptz, timestamptz, text, text), evd.event_line(evd.event, text)
  to evd_operator;
grant execute on function evd.re_emit(bigint, text, boolean, boolean, text, text),
  evd.re_emit_many(bigint[], text, boolean, boolean, text, text), evd.resolve(bigint, text, text, text),
  evd.pause(text, text), evd.resume(text, text), evd.apply(jsonb, boolean, boolean, text),
  evd.alert_ack(bigint, interval, text), evd.old_partitions(timestamptz), evd.drop_partition(text),
  evd.prune(timestamptz, integer), evd.adopt(text, text) to evd_operator;
grant execute on function evd.alert_message(bigint, boolean), evd.alert_args(bigint, text) to evd_operator;
grant execute on function evd.alert_ack(bigint, interval, text), evd.alert_message(bigint, boolean),
  evd.alert_args(bigint, text) to evd_operator;

-- To run. evd_worker applies the file to a database that has no routes; it writes them by that function alone.
grant select, insert, update, delete on all tables in schema evd to evd_worker;
revoke insert, update, delete on evd.meta, evd.route from evd_worker;
grant select, usage, update on all sequences in schema evd to evd_worker;
grant execute on all functions in schema evd to evd_worker;
