// resolve: a person dealt with it. pause, resume: a handler's work.
#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cli/evctl/json.hpp"
#include "cli/evctl/selection.hpp"
#include "cli/evctl/settle.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/text.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

constexpr std::size_t k_page = 1'000;  // events of a transaction

struct ResolveFlags {
  Selection selection;
  std::string why;
};

// What is still under way was not resolved; a person who asked for it must hear of that.
bool is_left(const PairResult& pair) {
  return pair.result != "resolved" && !pair.result.starts_with("already");
}

// Ids that a person typed are resolved all or not at all.
std::vector<PairResult> resolve_all(pg::Connection& connection, const ResolveFlags& flags,
                                    const Selected& selected) {
  std::vector<PairResult> pairs;
  std::span<const std::int64_t> ids = selected.ids;
  while (!ids.empty()) {
    const auto page =
        ids.first(flags.selection.is_filter() ? std::min(ids.size(), k_page) : ids.size());
    pg::Transaction transaction(connection);
    for (auto& pair :
         read_pairs(connection.query("select i.id, r.handler, r.result from unnest($1) i (id)"
                                     " cross join lateral evd.resolve(i.id, $2, $3, $4) r",
                                     pg::params(std::vector<std::int64_t>(page.begin(), page.end()),
                                                selected.handler, flags.why, Context::actor())))) {
      pairs.push_back(std::move(pair));
    }
    if (!flags.selection.dry_run) transaction.commit();
    ids = ids.subspan(page.size());
  }
  return pairs;
}

void tell(Context& context, const ResolveFlags& flags, std::vector<PairResult> pairs,
          std::size_t events) {
  const bool is_trial = flags.selection.dry_run;
  std::int64_t resolved = 0;
  for (auto& pair : pairs) {
    if (pair.result != "resolved") continue;
    ++resolved;
    if (is_trial) pair.result = "would be resolved";
  }
  Output& out = context.out();
  if (context.json()) {
    out.line("{\"dry_run\":" + std::string(is_trial ? "true" : "false") +
             ",\"events\":" + std::to_string(events) + ",\"resolved\":" + std::to_string(resolved) +
             ",\"pairs\":" + pairs_json(pairs) + "}");
    return;
  }
  const std::string word = is_trial ? "would be resolved" : "resolved";
  out.add(short_pairs_table(pairs, word, out.style()));
  if (flags.selection.is_filter() || is_trial) {
    out.line(std::to_string(resolved) + " " + word + " of " + std::to_string(events) +
             (events == 1 ? " event" : " events"));
  }
}

ExitCode resolve(Context& context, const ResolveFlags& flags) {
  check_selection(flags.selection, "resolve");
  if (flags.selection.is_filter() && flags.selection.filter.handler.empty() &&
      flags.selection.filter.like.empty()) {
    throw ConfigError(
        "a filter finds events: say with --handler which of their pairs are to be resolved");
  }
  if (trim(flags.why).empty()) throw ConfigError("--why: say what was done instead");
  pg::Connection connection = context.connect();
  Selected selected = select_events(connection, flags.selection, Scope::k_missing);
  std::sort(selected.ids.begin(), selected.ids.end());  // as others lock their pairs
  if (!is_confirmed(flags.selection, "resolve", selected.ids.size())) return ExitCode::k_failed;
  const auto pairs = resolve_all(connection, flags, selected);
  tell(context, flags, pairs, selected.ids.size());
  return std::any_of(pairs.begin(), pairs.end(), is_left) ? ExitCode::k_failed : ExitCode::k_ok;
}

// `function`: evd.pause or evd.resume, which say whether they changed anything.
ExitCode switch_handler(Context& context, const std::string& function, const std::string& handler,
                        const std::string& state) {
  pg::Connection connection = context.connect();
  const bool is_changed =
      connection.query("select evd." + function + "($1, $2)", pg::params(handler, Context::actor()))
          .boolean(0, 0);
  if (context.json()) {
    context.out().line(
        Json{{"handler", handler}, {"state", state}, {"changed", is_changed}}.dump());
  } else {
    context.out().line(handler + (is_changed ? " is " : " was already ") + state);
  }
  return ExitCode::k_ok;
}

Action declare_switch(CLI::App& command, const char* function, const char* state) {
  auto handler = std::make_shared<std::string>();
  command.add_option("HANDLER", *handler, "The handler's name")->required();
  return [handler, function, state](Context& context) {
    return switch_handler(context, function, *handler, state);
  };
}

}  // namespace

Action declare_resolve(CLI::App& command) {
  auto flags = std::make_shared<ResolveFlags>();
  add_selection_options(command, flags->selection);
  command.add_option("--why", flags->why, "What was done instead; kept with who said so")
      ->type_name("TEXT")
      ->required();
  return [flags](Context& context) { return resolve(context, *flags); };
}

Action declare_pause(CLI::App& command) { return declare_switch(command, "pause", "paused"); }

Action declare_resume(CLI::App& command) { return declare_switch(command, "resume", "running"); }

}  // namespace evd::evctl
