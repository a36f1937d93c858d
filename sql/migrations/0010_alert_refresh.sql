-- When a group was last posted again to a channel that forgets.
alter table evd.alert_group add column refreshed_at timestamptz;
