// prune: retention now, instead of with one of the next recovery passes.
#include <limits>
#include <memory>

#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/duration.hpp"
#include "common/journal/pg_journal.hpp"
#include "common/recovery/retention.hpp"

namespace evd::evctl {
namespace {

struct PruneFlags {
  std::string older_than;
  bool dry_run = false;
};

Milliseconds age_of(Context& context, const PruneFlags& flags) {
  if (flags.older_than.empty()) return context.config_if_any().recovery.retention;
  const auto age = parse_duration(flags.older_than);
  if (!age) throw ConfigError("--older-than: " + flags.older_than + " is not a duration like 30d");
  return *age;
}

// What would become of the partitions; rows are not counted beforehand.
recovery::Retired foresee(journal::Journal& journal, Milliseconds age) {
  recovery::Retired retired;
  for (journal::OldPartition& partition : journal.old_partitions(age)) {
    if (partition.kept.empty()) {
      retired.dropped.push_back(partition.name);
    } else {
      retired.kept.push_back(std::move(partition));
    }
  }
  return retired;
}

void tell_json(Output& out, const recovery::Retired& retired) {
  Json kept = Json::array();
  for (const auto& [name, why] : retired.kept) kept.push_back({{"partition", name}, {"why", why}});
  out.line(Json{{"dropped", retired.dropped}, {"kept", kept}, {"rows", retired.rows}}.dump());
}

void tell(Output& out, const recovery::Retired& retired, bool is_dry_run) {
  Table table({{"PARTITION"}, {"RESULT"}, {"WHY", ColumnKind::k_wide}});
  for (const std::string& name : retired.dropped)
    table.add({name, is_dry_run ? "would go" : "dropped", ""});
  for (const auto& [name, why] : retired.kept) table.add({name, "kept", why});
  out.add(table.empty() ? "no partition is that old\n" : table.render(out.style()));
  if (!is_dry_run) out.line(std::to_string(retired.rows) + " rows deleted");
}

ExitCode prune(Context& context, const PruneFlags& flags) {
  const Milliseconds age = age_of(context, flags);
  pg::Connection connection = context.connect();
  journal::PgJournal journal(connection);
  const recovery::Retired retired =
      flags.dry_run ? foresee(journal, age)
                    : recovery::retire(journal, age, std::numeric_limits<int>::max());
  if (context.json()) {
    tell_json(context.out(), retired);
  } else {
    tell(context.out(), retired, flags.dry_run);
  }
  return ExitCode::k_ok;
}

}  // namespace

Action declare_prune(CLI::App& command) {
  const auto flags = std::make_shared<PruneFlags>();
  command
      .add_option("--older-than", flags->older_than,
                  "Emitted longer ago than this (default: retention, from the file)")
      ->type_name("DURATION");
  command.add_flag("--dry-run", flags->dry_run, "Only say which partitions would go");
  return [flags](Context& context) { return prune(context, *flags); };
}

}  // namespace evd::evctl
