#include "common/schema/steps.hpp"

namespace evd::schema {

std::string create_roles_sql() {
  return R"(do $$
declare
  v_role text;
begin
  foreach v_role in array array['evd_owner', 'evd_worker', 'evd_operator', 'evd_reader', 'evd_emitter'] loop
    if not exists (select from pg_roles where rolname = v_role) then
      begin
        execute format('create role %I nologin', v_role);
      exception when duplicate_object or unique_violation then
        null;  -- another database of this cluster was faster
      end;
    end if;
  end loop;
  -- Who is not a superuser must be a member to act for it.
  if not pg_has_role(current_user, 'evd_owner', 'member') then
    execute format('grant evd_owner to %I', current_user);
  end if;
end
$$;
)";
}

std::string take_ownership_sql() {
  return R"(do $$
declare
  v_object record;
begin
  for v_object in
    select case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind,
           format('evd.%I', c.relname) as name
    from pg_class c
    where c.relnamespace = 'evd'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
      and c.relowner <> 'evd_owner'::regrole
      -- A sequence that a column owns goes with its table.
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                                                and c.relkind = 'S' and d.deptype in ('a', 'i'))
    union all
    select 'function', p.oid::regprocedure::text from pg_proc p
    where p.pronamespace = 'evd'::regnamespace and p.proowner <> 'evd_owner'::regrole
  loop
    execute format('alter %s %s owner to evd_owner', v_object.kind, v_object.name);
  end loop;
end
$$;
)";
}

}  // namespace evd::schema
