-- What people are told: the rows of the outbox evd.alert are folded into groups, one per message, which wait here until
-- their channel has taken them.

-- One message to one channel, shown as "A17". event_name and handler are '' where it is about none.
--   open      collects what is folded in; due at next_at
--   sending   its content is fixed; leased by a sender, or to be tried again at next_at
--   sent      the channel took it; what it told of may be unresolved
--   settled   all of its pairs were resolved after it was sent, and a "recovered" follows where it is wanted
--   dropped   all of its pairs were resolved before anybody was told, or a newer one tells of them (evd.alert_gather)
create table evd.alert_group (
  id              bigint generated always as identity primary key,
  channel         text not null,                   -- "(log)": nobody else is there to be told
  kind            text not null,
  event_name      text not null default '',
  handler         text not null default '',
  owner           text,
  state           text not null default 'open' check (state in ('open', 'sending', 'sent', 'settled', 'dropped')),
  count           bigint not null default 0 check (count >= 0),    -- pairs, or alerts where they name none
  pending         bigint not null default 0 check (pending >= 0),  -- rows of alert_pair
  is_tracked      boolean not null,                -- its pairs are, and its "recovered" is owed
  event_ids       bigint[] not null default '{}' check (cardinality(event_ids) <= 100),
  examples        jsonb not null default '[]' check (jsonb_array_length(examples) <= 3),
  attempts        integer,                         -- of the handler, the most of any pair
  last_error      text,
  recovers        bigint[] not null default '{}',  -- kind recovered: the groups that it ends
  first_at        timestamptz not null,
  last_at         timestamptz not null,
  group_wait      interval not null,               -- these three as the channel's configuration was
  repeat          interval not null,
  wants_recovered boolean not null,
  next_at         timestamptz not null,
  send_attempts   integer not null default 0,      -- that failed
  send_error      text,
  lease           bigint,                          -- the sender's random token
  leased_until    timestamptz,
  sent_at         timestamptz,
  settled_at      timestamptz,
  acked_until     timestamptz,                     -- a person asked for silence
  acked_by        text,
  check ((lease is null) = (leased_until is null)),
  check (lease is null or state = 'sending'),
  check (state <> 'sent' or sent_at is not null)
) with (fillfactor = 70);
create unique index alert_group_open on evd.alert_group (channel, kind, event_name, handler) where state = 'open';
create index alert_group_due on evd.alert_group (channel, next_at) where state in ('open', 'sending');
create index alert_group_sent on evd.alert_group (channel, kind, event_name, handler, sent_at) where state = 'sent';
create index alert_group_acked on evd.alert_group (kind, event_name, handler) where acked_until is not null;

-- The unresolved pairs that a group tells of; the handler is the group's.
create table evd.alert_pair (
  group_id bigint not null references evd.alert_group on delete cascade,
  event_id bigint not null,
  primary key (group_id, event_id)
);
create index alert_pair_event on evd.alert_pair (event_id);

-- A channel that fails has a row until it takes a message again.
create table evd.alert_channel (
  name     text primary key,
  failures integer not null default 1,             -- in a row
  next_at  timestamptz not null,
  error    text
);
