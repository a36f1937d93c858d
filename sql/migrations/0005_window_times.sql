-- Between which times the events of a window were created, so that reading it touches the partitions of these times
-- alone, neither all since its floor nor those that are made ahead. Null: not known, it is from before.
alter table evd.event_window
  add column oldest timestamptz,
  add column newest timestamptz;
