#include "common/handlers/plugin_child.hpp"

#include <unistd.h>

#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/duration.hpp"
#include "common/base/subprocess.hpp"
#include "common/handlers/plugin_library.hpp"

namespace evd::handlers {
namespace {

using Json = nlohmann::json;

constexpr auto k_replace = Json::error_handler_t::replace;

// args and headers are strings here: as JSON values they would be decoded, and their numbers
// rounded.
std::string to_input(const PluginChild& child, const Attempt& attempt) {
  const journal::Event& event = *attempt.event;
  return Json{{"plugin", child.plugin},
              {"handler", child.handler},
              {"instance", child.instance},
              {"id", event.id},
              {"created_at_us", event.created_at_us},
              {"event_name", attempt.route->event_name},
              {"args", event.args},
              {"key", event.key ? Json(*event.key) : Json()},
              {"headers", event.headers},
              {"attempt", attempt.number},
              {"round", attempt.round}}
      .dump(-1, ' ', false, k_replace);
}

Attempt to_attempt(const Json& input) {
  auto event = std::make_shared<journal::Event>();
  event->id = input.at("id");
  event->created_at_us = input.at("created_at_us");
  event->args = input.at("args");
  if (!input.at("key").is_null()) event->key = input.at("key").get<std::string>();
  event->headers = input.at("headers");
  auto route = std::make_shared<journal::Route>();
  route->event_name = input.at("event_name");
  Attempt attempt;
  attempt.event = std::move(event);
  attempt.route = std::move(route);
  attempt.number = input.at("attempt");
  attempt.round = input.at("round");
  return attempt;
}

// What the plugin wrote to stderr itself comes before.
std::string to_answer(const journal::Outcome& outcome) {
  Json answer{{"failed", outcome.kind == journal::OutcomeKind::k_failed}, {"error", outcome.error}};
  if (outcome.retry_after) answer["retry_after_ms"] = outcome.retry_after->count();
  return "\n" + answer.dump(-1, ' ', false, k_replace) + "\n";
}

std::string_view last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

journal::Outcome failure(std::string error) {
  return {.kind = journal::OutcomeKind::k_retry, .error = std::move(error), .retry_after = {}};
}

journal::Outcome from_answer(const SubprocessResult& result) {
  const Json answer = Json::parse(last_line(result.error_output), nullptr, false);
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_string()) {
    return failure("the plugin's process ended with exit status " +
                   std::to_string(result.exit_code));
  }
  journal::Outcome outcome = failure(answer["error"]);
  if (answer.value("failed", false)) outcome.kind = journal::OutcomeKind::k_failed;
  if (answer.contains("retry_after_ms"))
    outcome.retry_after = Milliseconds{answer["retry_after_ms"].get<std::int64_t>()};
  return outcome;
}

std::map<std::string, std::string> inherited_environment() {
  std::map<std::string, std::string> settings;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || text.starts_with("PATH=") || text.starts_with("LANG="))
      continue;
    settings.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

}  // namespace

journal::Outcome run_in_child(const PluginChild& child, const Attempt& attempt) {
  try {
    const SubprocessResult result = run_subprocess({.command = {child.program, k_plugin_child_flag},
                                                    .input = to_input(child, attempt),
                                                    .env = inherited_environment(),
                                                    .timeout = child.timeout});
    if (result.timed_out) return failure("timed out after " + format_duration(child.timeout));
    if (result.signal != 0) {
      return failure("the plugin crashed: signal " + std::to_string(result.signal) + " (" +
                     ::sigdescr_np(result.signal) + ")");
    }
    return result.exit_code == 0 ? journal::Outcome{} : from_answer(result);
  } catch (const Error& error) {  // not started at all
    return failure(error.what());
  }
}

int run_plugin_child() {
  journal::Outcome outcome;
  try {
    const Json input = Json::parse(std::cin);
    const PluginLibrary plugin(input.at("plugin"), input.at("handler"));
    outcome = plugin.run({to_attempt(input)}, 0, 1, input.at("instance")).front();
  } catch (const std::exception& error) {
    outcome = failure(error.what());
  }
  if (outcome.kind == journal::OutcomeKind::k_done) return 0;
  std::cerr << to_answer(outcome) << std::flush;
  return 1;
}

}  // namespace evd::handlers
