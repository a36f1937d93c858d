-- The columns of a row that are wanted; '{}': all. Null for null. Reads nothing.
create or replace function evd.picked(p_row jsonb, p_columns text[]) returns jsonb
language sql immutable
as $$
  select case when p_columns = '{}' then p_row
              else (select coalesce(jsonb_object_agg(c.key, c.value), '{}') from jsonb_each(p_row) c
                    where c.key = any (p_columns)) end
  where p_row is not null
$$;
