-- Makes a running program known; its id is never used again. Writes node.
create or replace function evd.register_node(p_name text, p_kind text, p_version text, p_handlers text[])
returns bigint
language sql
as $$
  insert into evd.node (name, kind, version, handlers) values (p_name, p_kind, p_version, p_handlers) returning id
$$;
