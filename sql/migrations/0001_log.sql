-- The log, the windows taken of it, and the rows of what did not simply succeed.

create sequence evd.event_id_seq;

-- 1: nobody sleeps; 2: a daemon sleeps and wants a NOTIFY. A sequence because its value is seen outside
-- MVCC, from any snapshot, and changing it leaves no dead rows behind.
create sequence evd.sleeper minvalue 1 maxvalue 2 start 1 cycle;
select setval('evd.sleeper', 1);

create table evd.meta (
  only_row        boolean primary key default true check (only_row),
  schema_version  integer not null,
  instance        text,                            -- the name of this installation; a copy is refused by it
  cluster         text not null,                   -- PostgreSQL's system identifier when last seen
  dedup_retention interval not null default '7 days',
  created_at      timestamptz not null default clock_timestamp()
);

-- An event name with its expected handlers. Rows never change but for is_current: a change of the
-- configuration makes a new route, and the events written before keep theirs.
create table evd.route (
  id            integer generated always as identity primary key,
  event_name    text not null check (event_name ~ '^[A-Za-z0-9_.-]{1,63}$'),
  expected      text[] not null check (array_position(expected, null) is null),
  deadline      interval not null default '5 minutes' check (deadline > '0'),
  owner         text,
  reliability   text not null default 'tracked' check (reliability in ('tracked', 'alert', 'best_effort')),
  alert_timeout boolean not null default false,
  max_args      bigint not null default 1048576 check (max_args > 0),
  is_current    boolean not null default true,
  created_at    timestamptz not null default clock_timestamp()
);
create unique index route_current on evd.route (event_name) where is_current;

-- What the SQL side must know of a handler: its retry policy and its switches. Commands, statements,
-- URLs and secrets stay in the configuration file of the machine that runs it.
create table evd.handler (
  name           text primary key check (name ~ '^[A-Za-z0-9_-]{1,63}$'),
  kind           text not null check (kind in ('sql', 'exec', 'worker', 'http', 'plugin')),
  owner          text,
  runbook        text,
  max_attempts   integer not null default 10 check (max_attempts > 0),
  alert_after    integer not null default 3 check (alert_after > 0),
  retry          text not null default 'daemon' check (retry in ('daemon', 'cron')),
  backoff_base   interval not null default '10 seconds',
  backoff_factor double precision not null default 3.0 check (backoff_factor >= 1),
  backoff_max    interval not null default '1 hour',
  backoff_jitter double precision not null default 0.2 check (backoff_jitter between 0 and 1),
  paused_at      timestamptz,
  paused_by      text
);

-- The log. Written once, never updated. route_id carries no foreign key: emit resolves it itself, and a key
-- would take a share lock on the same few rows from every emitter. created_at is the partition key and is
-- set by nobody but the default.
create table evd.event (
  id         bigint not null default nextval('evd.event_id_seq'),
  xid        xid8 not null default pg_current_xact_id(),
  route_id   integer not null,
  created_at timestamptz not null default clock_timestamp(),
  args       jsonb not null default '[]',
  key        text,
  due_at     timestamptz,
  headers    jsonb
) partition by range (created_at);
create index event_position on evd.event (xid, id);
create index event_id on evd.event using brin (id) with (pages_per_range = 32, autosummarize = on);
create table evd.event_default partition of evd.event default;

-- One running evd or evrecover. An id is never used again.
create table evd.node (
  id           bigint generated always as identity primary key,
  name         text not null,
  kind         text not null check (kind in ('evd', 'evrecover')),
  version      text not null,
  handlers     text[] not null,
  started_at   timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  stopped_at   timestamptz,                        -- left of its own will
  fenced_at    timestamptz                         -- taken over; may change nothing from here on
) with (fillfactor = 50);

-- A run of the log that one node has taken: the events visible in hi and not in lo, in (xid, id) order, after
-- from and up to and including to. The newest row is the cursor. No index but the key, so that the one
-- update that closes a window is a HOT one.
create table evd.event_window (
  id           bigint primary key,
  node_id      bigint,
  token        bigint not null,
  at           timestamptz not null,               -- a clock reading from before own_xid was assigned
  own_xid      xid8 not null default pg_current_xact_id(),
  floor        timestamptz not null,               -- none of its events was created before
  floor_id     bigint not null,                    -- the window whose `at` gave the floor
  lo           pg_snapshot not null,
  hi           pg_snapshot not null,
  from_xid     xid8 not null,
  from_id      bigint not null,
  to_xid       xid8 not null,
  to_id        bigint not null,
  events       integer not null check (events >= 0),
  total_events bigint not null,                    -- of this and all windows before
  low_id       bigint not null,                    -- no window below was open when this one opened
  opened_at    timestamptz not null default clock_timestamp(),
  closed_at    timestamptz,
  check (events = 0 or (from_xid < to_xid or (from_xid = to_xid and from_id < to_id)))
) with (fillfactor = 50);

insert into evd.event_window (id, token, at, floor, floor_id, lo, hi, from_xid, from_id, to_xid, to_id,
                              events, total_events, low_id, closed_at)
select 0, 0, clock_timestamp(), clock_timestamp() - interval '1 day', 0, s, s, '0', -1, '0', -1, 0, 0, 1,
       clock_timestamp()
from pg_current_snapshot() s;

-- One handler's share of a window where it goes its own way: done up to a position (sql), or put off.
create table evd.window_part (
  window_id  bigint not null references evd.event_window on delete cascade,
  handler    text not null,
  state      text not null check (state in ('done', 'deferred')),
  upto_xid   xid8 not null default '0',            -- pairs up to here are done
  upto_id    bigint not null default -1,
  node_id    bigint,
  token      bigint,
  next_at    timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  stalled_at timestamptz,                          -- when somebody was told that it waits
  primary key (window_id, handler),
  check ((node_id is null) = (token is null))
) with (fillfactor = 50);
create index window_part_due on evd.window_part (handler, next_at) where state = 'deferred';

-- The row of a single pair that needs one. It carries the event's position, so that running it needs no
-- search by id.
create table evd.delivery (
  event_id         bigint not null,
  handler          text not null,
  event_xid        xid8 not null,
  event_created_at timestamptz not null,
  route_id         integer not null,
  state            text not null check (state in ('waiting', 'running', 'done', 'escalated', 'resolved')),
  run              integer not null default 0 check (run >= 0),       -- only grows; the fencing token
  attempts         integer not null default 0 check (attempts >= 0),  -- what policy counts; a person can reset it
  max_attempts     integer not null check (max_attempts > 0),
  handed_back      integer not null default 0,     -- attempts interrupted by a stop, in a row
  round            integer not null default 0,     -- new idempotency keys that a person asked for
  next_at          timestamptz not null default clock_timestamp(),
  deadline_at      timestamptz not null,
  node_id          bigint,
  started_at       timestamptz,
  ended_at         timestamptz,
  suspect          boolean not null default false, -- ran when its node died
  alerted          boolean not null default false, -- somebody was told of trouble and is owed a "recovered"
  timeout_at       timestamptz,                    -- when the deadline's passing was noted
  stalled_at       timestamptz,                    -- when somebody was told that it waits
  last_error       text,
  created_at       timestamptz not null default clock_timestamp(),
  primary key (event_id, handler),
  check ((state = 'running') = (node_id is not null)),
  check (attempts <= run)
) with (fillfactor = 70);
create index delivery_due on evd.delivery (handler, next_at) where state = 'waiting';
create index delivery_running on evd.delivery (node_id) where state = 'running';
create index delivery_escalated on evd.delivery (event_id) where state = 'escalated';
create index delivery_overdue on evd.delivery (deadline_at)
  where state in ('waiting', 'running') and timeout_at is null;

-- The failures of a pair.
create table evd.attempt (
  event_id   bigint not null,
  handler    text not null,
  run        integer not null,
  node_id    bigint,
  started_at timestamptz,
  ended_at   timestamptz not null default clock_timestamp(),
  error      text not null,
  primary key (event_id, handler, run)
);

-- What people did: re-emit, resolve, pause, resume, apply.
create table evd.action (
  id       bigint generated always as identity primary key,
  action   text not null,
  event_id bigint,
  handler  text,
  actor    text not null,
  why      text,
  at       timestamptz not null default clock_timestamp()
);
create index action_event on evd.action (event_id) where event_id is not null;

create table evd.dedup (
  event_name text not null,
  key        text not null,
  event_id   bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (event_name, key)
);

create table evd.once (
  key        text primary key,
  created_at timestamptz not null default clock_timestamp()
);

-- Groups of events that came in over HTTP: repeating one whose commit was in doubt meets its uuid.
create table evd.ingest_batch (
  id         uuid primary key,
  created_at timestamptz not null default clock_timestamp()
);

-- The outbox of alerts: whatever raises one appends a row, and nothing more.
create table evd.alert (
  id         bigint generated always as identity primary key,
  kind       text not null,
  event_name text,
  event_id   bigint,
  handler    text,
  owner      text,
  attempts   integer,
  error      text,
  at         timestamptz not null default clock_timestamp()
);
