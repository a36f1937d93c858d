-- Prepares a statement in this session, unless that was done before, and returns its name, quoted: the same text is
-- parsed and planned once, not in each batch. A function of the user's may have prepared others, which are the session's
-- and outlast their transaction: those go, so that the function finds the session as it found it the last time.
-- Reads pg_prepared_statements.
--
-- It is to be executed in the same transaction: behind a pooler the next one may have another session. A pooler's own
-- statements are prepared by protocol, and stay.
create or replace function evd.prepare_once(p_types text, p_statement text) returns text
language plpgsql
as $$
declare
  v_name   text := 'evd_' || md5(p_types || ' ' || p_statement);
  v_is_new boolean;
  v_others text[];
begin
  select bool_and(s.name <> v_name), array_agg(s.name) filter (where s.from_sql and s.name not like 'evd\_%')
    into v_is_new, v_others from pg_prepared_statements s;
  for i in 1 .. coalesce(cardinality(v_others), 0) loop
    execute format('deallocate %I', v_others[i]);
  end loop;
  if coalesce(v_is_new, true) then
    execute format('prepare %I (%s) as %s', v_name, p_types, p_statement);
  end if;
  return quote_ident(v_name);
end
$$;
