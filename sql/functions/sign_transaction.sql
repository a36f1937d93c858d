-- Says whose transaction this is: evd.end_sessions_of_fenced ends it when the node is dead and its session is not.
create or replace function evd.sign_transaction(p_node bigint) returns void
language sql
as $$
  select pg_advisory_xact_lock_shared(6649445, p_node::integer)
$$;
