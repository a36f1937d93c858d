-- Positions in the log are transaction ids of this server plus a base. It is 0 until the log is taken up by a server
-- whose ids are lower than those in it; see evd.adopt. The newest window tells it.
alter table evd.event_window add column base bigint not null default 0 check (base >= 0);
