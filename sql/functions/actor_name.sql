-- Who acts, for the records: the database role, and whom the caller names. Reads nothing.
create or replace function evd.actor_name(p_actor text) returns text
language sql stable
as $$
  select session_user || coalesce(' (' || nullif(p_actor, '') || ')', '')
$$;
