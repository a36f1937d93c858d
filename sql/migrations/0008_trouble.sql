-- What is wrong with the installation as a whole, for as long as it is, so that each is told once, and its end.
create table evd.trouble (
  kind    text not null,                           -- of the alert
  subject text not null,                           -- in brackets, as no handler can be called
  since   timestamptz not null default clock_timestamp(),
  error   text not null,
  told_at timestamptz,                             -- null: it may pass yet
  primary key (kind, subject)
);
