// migrate, version: the schema itself.
#include "common/schema/migrate.hpp"

#include <memory>

#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/schema/scripts.hpp"
#include "common/schema/version.hpp"

namespace evd::evctl {
namespace {

struct MigrateFlags {
  bool print_sql = false;
  bool dry_run = false;
  bool no_roles = false;
};

ExitCode print_script(Context& context, const MigrateFlags& flags) {
  schema::ScriptOptions options;
  options.with_roles = !flags.no_roles;
  options.instance = context.config_if_any().database.instance;
  context.out().add(schema::full_script(options));
  return ExitCode::k_ok;
}

std::string summary(const schema::MigrateResult& result, bool dry_run) {
  const std::string to = std::to_string(result.to);
  if (result.from == result.to) return "the schema is at version " + to;
  const std::string would = dry_run ? "would be " : "was ";
  if (result.from == 0) return "the schema " + would + "created, version " + to;
  return "the schema " + would + "upgraded from version " + std::to_string(result.from) + " to " +
         to;
}

void tell(Context& context, const schema::MigrateResult& result, bool dry_run) {
  Output& out = context.out();
  out.line(summary(result, dry_run));
  for (const auto& name : result.applied) out.line("  + " + name);
  for (const auto& name : result.dropped_functions) out.line("  - " + name);
  for (const auto& node : result.old_nodes) {
    out.line("  ! " + node + " runs another version: restart it");
  }
}

ExitCode migrate(Context& context, const MigrateFlags& flags) {
  if (flags.print_sql) return print_script(context, flags);
  schema::MigrateOptions options;
  options.dry_run = flags.dry_run;
  options.with_roles = !flags.no_roles;
  const std::string& instance = context.config().database.instance;
  if (!instance.empty()) options.instance = instance;

  pg::Connection connection = context.open();
  const auto result = schema::migrate(connection, options);
  if (context.json()) {
    context.out().line(Json{
        {"from", result.from},
        {"to", result.to},
        {"dry_run", flags.dry_run},
        {"applied", result.applied},
        {"dropped_functions", result.dropped_functions},
        {"old_nodes",
         result.old_nodes}}.dump());
  } else {
    tell(context, result, flags.dry_run);
  }
  return ExitCode::k_ok;
}

}  // namespace

Action declare_migrate(CLI::App& command) {
  auto flags = std::make_shared<MigrateFlags>();
  command.add_flag("--sql", flags->print_sql, "Print the script that installs it, for psql -f");
  command.add_flag("--dry-run", flags->dry_run, "Only say what would be done");
  command.add_flag("--no-roles", flags->no_roles, "Create no roles, and grant nothing to them");
  return [flags](Context& context) { return migrate(context, *flags); };
}

}  // namespace evd::evctl
