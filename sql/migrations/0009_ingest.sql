-- The transaction that wrote a batch, by which its events are found when the answer to its commit was lost.
alter table evd.ingest_batch add column xid xid8 not null default pg_current_xact_id();
