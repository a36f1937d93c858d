-- Whether the statement of an sql handler takes the events of a batch at once: it says `$1::jsonb[]`.
create or replace function evd.takes_a_batch(p_statement text) returns boolean
language sql immutable
as $$
  select p_statement ~* '\$1\s*::\s*jsonb\s*\[\s*\]'
$$;
