-- Running totals of pairs, so that the ledger need not read the log; null in windows from before. And an index on whatever
-- is unresolved, so that finding it need not read the deliveries that are kept as history.
alter table evd.event_window
  add column pairs       bigint check (pairs >= 0),  -- of its events with their expected handlers
  add column total_pairs bigint;                     -- of this and all windows before
update evd.event_window set pairs = 0, total_pairs = 0 where id = 0;
create index delivery_unresolved on evd.delivery (event_id) where state in ('waiting', 'running', 'escalated');
