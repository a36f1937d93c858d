// resolve: a person dealt with it. pause, resume: a handler's work.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/settle.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/text.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

struct ResolveFlags {
  std::vector<std::string> ids;
  std::optional<std::string> handler;
  std::string why;
};

// What is still under way was not resolved; a person who asked for it must hear of that.
bool is_left(const PairResult& pair) {
  return pair.result != "resolved" && !pair.result.starts_with("already");
}

ExitCode resolve(Context& context, const ResolveFlags& flags) {
  const auto ids = parse_event_ids(flags.ids);
  if (trim(flags.why).empty()) throw ConfigError("--why: say what was done instead");
  pg::Connection connection = context.connect();
  pg::Transaction transaction(connection);
  const auto pairs =
      read_pairs(connection.query("select i.id, r.handler, r.result from unnest($1) i (id)"
                                  " cross join lateral evd.resolve(i.id, $2, $3, $4) r",
                                  pg::params(ids, flags.handler, flags.why, Context::actor())));
  transaction.commit();
  if (context.json()) {
    context.out().line("{\"pairs\":" + pairs_json(pairs) + "}");
  } else {
    context.out().add(pairs_table(pairs, context.out().style()));
  }
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
  command.add_option("ID", flags->ids, "Events")->required();
  command.add_option("--handler", flags->handler, "Only this handler's pairs")->type_name("H");
  command.add_option("--why", flags->why, "What was done instead; kept with who said so")
      ->type_name("TEXT")
      ->required();
  return [flags](Context& context) { return resolve(context, *flags); };
}

Action declare_pause(CLI::App& command) { return declare_switch(command, "pause", "paused"); }

Action declare_resume(CLI::App& command) { return declare_switch(command, "resume", "running"); }

}  // namespace evd::evctl
