// apply: the file's events and handlers into the database, and the difference told.
#include "common/schema/apply.hpp"

#include <memory>

#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

struct ApplyFlags {
  bool dry_run = false;
  bool prune = false;
};

std::string sign_of(schema::Change::Kind kind, const Style& style) {
  switch (kind) {
    case schema::Change::Kind::k_added:
      return painted("+", Tone::k_good, style);
    case schema::Change::Kind::k_changed:
      return painted("~", Tone::k_warning, style);
    case schema::Change::Kind::k_removed:
      break;
  }
  return painted("-", Tone::k_bad, style);
}

std::string difference(const schema::Change& change) {
  if (change.kind == schema::Change::Kind::k_changed) return change.before + " -> " + change.after;
  return change.kind == schema::Change::Kind::k_added ? change.after : change.before;
}

void tell(Output& out, std::string_view what, const std::vector<schema::Change>& changes) {
  for (const auto& change : changes) {
    std::string line = sign_of(change.kind, out.style()) + " " + std::string(what) + " " +
                       change.name + "  " + printable(difference(change));
    if (change.outstanding > 0) {
      line += "  (" + std::to_string(change.outstanding) + " pairs outstanding)";
    }
    out.line(line);
  }
}

void tell(Output& out, const schema::ApplyPlan& plan, const ApplyFlags& flags) {
  tell(out, "event", plan.events);
  tell(out, "handler", plan.handlers);
  for (const auto& name : plan.missing_events) {
    out.line("! event " + name + " is in the database and not in the file" +
             (flags.prune ? "" : "; --prune retires it"));
  }
  for (const auto& name : plan.lately_emitted) {
    out.line("! event " + name + " was emitted within the last 7 days, and the file lacks it");
  }
  if (plan.is_empty()) {
    out.line("nothing to change");
  } else if (flags.dry_run) {
    out.line("nothing was written (--dry-run)");
  }
}

ExitCode apply(Context& context, const ApplyFlags& flags) {
  const Config& config = context.file_config();
  schema::ApplyOptions options;
  options.prune = flags.prune;
  options.actor = Context::actor();
  pg::Connection connection = context.connect();
  const auto plan = flags.dry_run ? schema::plan_apply(connection, config, options)
                                  : schema::apply(connection, config, options);
  if (context.json()) {
    context.out().line(plan.json);
  } else {
    tell(context.out(), plan, flags);
  }
  return ExitCode::k_ok;
}

}  // namespace

Action declare_apply(CLI::App& command) {
  auto flags = std::make_shared<ApplyFlags>();
  command.add_flag("--dry-run", flags->dry_run, "Only show the difference");
  command.add_flag("--prune", flags->prune, "Retire the events that the file lacks");
  return [flags](Context& context) { return apply(context, *flags); };
}

}  // namespace evd::evctl
