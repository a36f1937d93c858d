-- Whether a window took all that was left of its pair of snapshots: the next claim then need not look for more of it.
alter table evd.event_window add column is_last boolean not null default false;
