-- Retention: how far the log has been dropped, and indexes by which what is old is found without reading what is not.
alter table evd.meta add column dropped_before timestamptz;  -- see evd.pruned_before
create index dedup_age on evd.dedup using brin (created_at);
create index once_age on evd.once using brin (created_at);
