// The migrated schema is the one that was reviewed. After a wanted change: EVD_UPDATE_GOLDEN=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/evd_schema.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::test {
namespace {

// Not by __FILE__, which a compiler cache may have made relative.
std::filesystem::path golden_file() {
  return std::filesystem::path(EVD_SOURCE_DIR) / "tests/sql/golden_schema.txt";
}

// From the catalogs, and only what is the same in all supported versions of PostgreSQL. The daily
// partitions are left out, and NOT NULL constraints, which became rows of pg_constraint in 18.
std::string dump(pg::Connection& connection) {
  connection.query("set search_path = pg_catalog");
  const std::string relations =
      "c.relnamespace = 'evd'::regnamespace and c.relname !~ '^event_\\d{8}'";
  return rows(
      connection,
      "select line from ("
      " select format('%s %s%s', case c.relkind when 'S' then 'sequence' when 'v' then 'view'"
      "   when 'p' then 'partitioned' else 'table' end, c.relname,"
      "   coalesce(' ' || array_to_string(c.reloptions, ', '), '')) as line from pg_class c"
      "   where c.relkind in ('r', 'p', 'v', 'S') and " +
          relations +
          " union all"
          " select format('column %s.%s %s%s%s', c.relname, a.attname,"
          "   format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else "
          "'' end,"
          "   coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''))"
          "   from pg_attribute a join pg_class c on c.oid = a.attrelid"
          "   left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum"
          "   where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v') and " +
          relations +
          " union all"
          " select format('constraint %s.%s %s', c.relname, k.conname, pg_get_constraintdef(k.oid))"
          "   from pg_constraint k join pg_class c on c.oid = k.conrelid"
          "   where k.contype <> 'n' and " +
          relations +
          " union all"
          " select 'index ' || pg_get_indexdef(i.indexrelid) from pg_index i"
          "   join pg_class c on c.oid = i.indrelid where " +
          relations +
          " union all"
          " select format('function %s(%s) returns %s%s', p.proname, "
          "pg_get_function_arguments(p.oid),"
          "   pg_get_function_result(p.oid), case when p.prosecdef then ' security definer' else "
          "'' end)"
          "   from pg_proc p where p.pronamespace = 'evd'::regnamespace"
          " union all"
          " select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t"
          "   join pg_class c on c.oid = t.tgrelid where not t.tgisinternal and " +
          relations +
          " union all"
          " select format('grant %s %s to %s', x.privilege_type, c.relname, x.grantee::regrole)"
          "   from pg_class c cross join aclexplode(c.relacl) x"
          "   where x.grantee <> c.relowner and x.privilege_type <> 'MAINTAIN' and " +
          relations +
          " union all"
          " select format('grant execute %s to %s', p.proname,"
          "   case when x.grantee = 0 then 'public' else x.grantee::regrole::text end)"
          "   from pg_proc p cross join aclexplode(p.proacl) x"
          "   where p.pronamespace = 'evd'::regnamespace and x.grantee <> p.proowner"
          ") l order by line collate \"C\"");
}

TEST(GoldenSchema, IsWhatWasReviewed) {
  const EvdDatabase database;
  auto connection = database.connect();
  const auto now = dump(connection) + "\n";
  if (std::getenv("EVD_UPDATE_GOLDEN") != nullptr) write_file(golden_file(), now);
  EXPECT_EQ(now, read_file(golden_file()));
}

}  // namespace
}  // namespace evd::test
