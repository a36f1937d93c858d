-- Finds the pairs that failed and were done lately, for how long recovery took.
create index delivery_recovered on evd.delivery (ended_at) where state = 'done' and run > 1;
