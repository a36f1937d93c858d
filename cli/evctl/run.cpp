// run: one handler, here and now, recording nothing.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/trial.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/duration.hpp"
#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

struct RunFlags {
  std::string handler;
  std::string event_id;
  std::optional<std::string> args;
};

const HandlerConfig& find_handler(const Config& config, const std::string& name) {
  const auto found = config.handlers.find(name);
  if (found != config.handlers.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [each, handler] : config.handlers) known.push_back(each);
  throw ConfigError(config.path + ": no such handler: \"" + name + "\"" + suggestion(name, known));
}

// An event that was not emitted has a name all the same: the first that expects the handler.
std::string event_name_for(const Config& config, const std::string& handler) {
  for (const auto& [name, event] : config.events) {
    const auto& expected = event.handlers;
    if (std::find(expected.begin(), expected.end(), handler) != expected.end()) return name;
  }
  return "trial";
}

std::string_view word_for(journal::OutcomeKind kind) {
  switch (kind) {
    case journal::OutcomeKind::k_done:
      return "done";
    case journal::OutcomeKind::k_retry:
      return "failed";
    case journal::OutcomeKind::k_failed:
      return "failed for good";
    case journal::OutcomeKind::k_handed_back:
      break;
  }
  return "interrupted";
}

void tell(Context& context, const std::string& handler, const TrialResult& result) {
  const std::string word(word_for(result.outcome.kind));
  const bool is_done = result.outcome.kind == journal::OutcomeKind::k_done;
  Output& out = context.out();
  if (context.json()) {
    out.line(Json{{"handler", handler},
                  {"outcome", word},
                  {"error", is_done ? Json() : Json(result.outcome.error)},
                  {"duration_ms", result.duration.count()},
                  {"rolled_back", result.is_rolled_back}}
                 .dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  out.line(handler + ": " + painted(word, is_done ? Tone::k_good : Tone::k_bad, out.style()) +
           " after " + format_duration(result.duration) +
           (result.is_rolled_back ? "; rolled back, so nothing in the database has changed" : ""));
  if (!is_done && !result.outcome.error.empty()) out.line(printable(result.outcome.error));
  if (result.outcome.retry_after) {
    out.line("it asks not to be run again for " + format_duration(*result.outcome.retry_after));
  }
}

ExitCode run(Context& context, const RunFlags& flags) {
  if (flags.event_id.empty() == !flags.args) {
    throw ConfigError("run with which event? Give --event ID or --args JSON");
  }
  const Config& config = context.file_config();
  const HandlerConfig& handler = find_handler(config, flags.handler);
  const std::int64_t id = flags.args ? 0 : parse_event_id(flags.event_id);
  pg::Connection connection = context.connect();
  const TrialEvent event =
      flags.args ? make_event(connection, event_name_for(config, handler.name), *flags.args)
                 : load_event(connection, id);
  const TrialResult result = handler.kind == HandlerKind::k_sql
                                 ? try_sql(connection, handler, event)
                                 : try_program(config, handler, event);
  tell(context, handler.name, result);
  return result.outcome.kind == journal::OutcomeKind::k_done ? ExitCode::k_ok : ExitCode::k_failed;
}

}  // namespace

Action declare_run(CLI::App& command) {
  auto flags = std::make_shared<RunFlags>();
  command.add_option("HANDLER", flags->handler, "The handler, as the file has it")->required();
  auto* event = command.add_option("--event", flags->event_id, "With this event");
  event->type_name("ID");
  command.add_option("--args", flags->args, "With these args, as an event that is never written")
      ->type_name("JSON")
      ->excludes(event);
  return [flags](Context& context) { return run(context, *flags); };
}

}  // namespace evd::evctl
