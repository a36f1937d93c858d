-- The columns of a table's primary key; of a table without one an array that names no column. Reads the catalogue.
create or replace function evd.primary_key(p_table oid) returns text[]
language sql stable
as $$
  select coalesce((select array_agg(a.attname::text) from pg_index i
                   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
                   where i.indrelid = p_table and i.indisprimary),
                  array[null::text])
$$;
