-- The breaker of each handler: open while the handler is out of reach, so that no attempt is wasted on it.
alter table evd.handler
  add column breaker_opened_at timestamptz,
  add column breaker_error     text,
  add column probes            integer not null default 0,  -- of the open breaker, that failed
  add column probe_at          timestamptz,                 -- the next one not before
  add column probe_node        bigint,                      -- the node that may make one …
  add column probe_until       timestamptz,                 -- … until then
  add constraint handler_breaker check (breaker_opened_at is not null or probe_until is null);
