// version: of the program, the schema and PostgreSQL.
#include "common/base/version.hpp"

#include <optional>
#include <string>

#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/schema/version.hpp"

namespace evd::evctl {
namespace {

struct Found {
  std::optional<int> schema;
  std::string postgres;
};

Found ask(Context& context) {
  pg::Connection connection = context.open();
  Found found;
  found.postgres = connection.query("show server_version").string(0, 0);
  const auto has_meta = connection.query("select to_regclass('evd.meta') is not null");
  if (has_meta.boolean(0, 0)) {
    found.schema = connection.query("select m.schema_version from evd.meta m").int32(0, 0);
  }
  return found;
}

std::string as_json(const Found& found) {
  return Json{{"evctl", k_version},
              {"needs_schema", schema::k_schema_version},
              {"schema", found.schema ? Json(*found.schema) : Json()},
              {"postgresql", found.postgres.empty() ? Json() : Json(found.postgres)}}
      .dump();
}

ExitCode version(Context& context) {
  Output& out = context.out();
  if (context.json()) {
    out.line(as_json(context.knows_database() ? ask(context) : Found{}));
    return ExitCode::k_ok;
  }
  // The program's own is known whatever becomes of the rest.
  out.line(std::string("evctl       ") + k_version);
  out.flush();
  if (!context.knows_database()) return ExitCode::k_ok;
  const Found found = ask(context);
  out.line("schema      " + (found.schema ? std::to_string(*found.schema) : "missing") +
           " (needs " + std::to_string(schema::k_schema_version) + ")");
  out.line("PostgreSQL  " + found.postgres);
  return ExitCode::k_ok;
}

}  // namespace

Action declare_version(CLI::App& /*command*/) { return version; }

}  // namespace evd::evctl
