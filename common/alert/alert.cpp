#include "common/alert/alert.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace evd::alert {
namespace {

constexpr std::size_t k_max_error = 1'000;   // bytes shown of an error
constexpr std::size_t k_max_shown_ids = 20;  // in the text; the command has all that are known

void append_line(std::string& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  text.append(name).append(": ").append(value).append("\n");
}

std::string id_list(const std::vector<std::int64_t>& ids, std::size_t limit) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < std::min(ids.size(), limit); ++i) {
    words.push_back(std::to_string(ids[i]));
  }
  return join(words, " ");
}

std::string shown_events(const Alert& alert) {
  if (alert.event_ids.empty()) return {};
  std::string text = id_list(alert.event_ids, k_max_shown_ids);
  const auto shown = static_cast<std::int64_t>(std::min(alert.event_ids.size(), k_max_shown_ids));
  if (alert.count > shown) text += " and " + std::to_string(alert.count - shown) + " more";
  return text;
}

std::string subject(const Alert& alert) {
  if (alert.event_name.empty()) return alert.handler;
  if (alert.handler.empty()) return alert.event_name;
  return alert.event_name + "/" + alert.handler;
}

std::string example_line(const Example& example) {
  std::string text;
  if (example.event_id) text += "event " + std::to_string(*example.event_id);
  if (example.attempts > 0) text += ", attempt " + std::to_string(example.attempts);
  if (!example.error.empty()) text += ": " + truncate_utf8(example.error, k_max_error);
  if (example.args) text += ", args " + *example.args;
  return text;
}

Example parse_example(const nlohmann::json& json) {
  Example example;
  if (const auto& id = json.at("event_id"); id.is_number()) {
    example.event_id = id.get<std::int64_t>();
  }
  if (const auto& attempts = json.at("attempts"); attempts.is_number()) {
    example.attempts = attempts.get<int>();
  }
  if (const auto& error = json.at("error"); error.is_string()) {
    example.error = error.get<std::string>();
  }
  example.at = json.at("at").get<std::string>();
  if (const auto args = json.find("args"); args != json.end() && args->is_string()) {
    example.args = args->get<std::string>();
  }
  return example;
}

nlohmann::json to_json(const Example& example) {
  nlohmann::json json = {
      {"attempts", example.attempts}, {"error", example.error}, {"at", example.at}};
  json["event_id"] = example.event_id ? nlohmann::json(*example.event_id) : nlohmann::json();
  if (example.args) json["args"] = *example.args;
  return json;
}

}  // namespace

std::string Alert::message_id() const {
  std::string name = id.empty() ? kind + ":" + last_at : id;
  if (is_reminder()) name += ":" + reminded_at;
  return instance.empty() ? "evd:" + name : instance + ":" + name;
}

std::string Alert::command() const {
  if (event_ids.empty() || is_recovered()) return {};
  std::vector<std::string> words = {"evctl", "re-emit"};
  if (count > static_cast<std::int64_t>(event_ids.size())) {
    if (kind == "escalated") words.insert(words.end(), {"--status", "escalated"});
    if (!event_name.empty()) words.insert(words.end(), {"--event", shell_quote(event_name)});
  } else {
    for (const auto event_id : event_ids) words.push_back(shell_quote(std::to_string(event_id)));
  }
  if (!handler.empty()) {
    words.emplace_back("--handler");
    words.push_back(shell_quote(handler));
  }
  return join(words, " ");
}

std::string Alert::headline() const {
  std::string text = instance.empty() ? "" : "[" + instance + "] ";
  text += (is_reminder() ? "still " : "") + kind;
  if (const std::string about = subject(*this); !about.empty()) text += ": " + about;
  if (is_reminder()) {
    text += ", " + std::to_string(unresolved) + " unresolved";
  } else if (event_ids.size() == 1 && count == 1) {
    text += ", event " + std::to_string(event_ids.front());
  } else if (count > 1) {
    text += ", " + std::to_string(count) + (event_ids.empty() ? " times" : " events");
  }
  if (!id.empty()) text += " (" + id + ")";
  return text;
}

std::string Alert::details() const {
  std::string text;
  append_line(text, "was", join(recovers, ", "));
  append_line(text, "events", event_ids.size() > 1 ? shown_events(*this) : "");
  append_line(text, "attempts", attempts > 0 ? std::to_string(attempts) : "");
  for (const Cause& cause : causes) {
    if (count > 1) append_line(text, "cause", std::to_string(cause.pairs) + " × " + cause.error);
  }
  append_line(text, "last error", truncate_utf8(last_error, k_max_error));
  append_line(text, "first", first_at);
  append_line(text, "last", last_at == first_at ? "" : last_at);
  append_line(text, "owner", owner);
  append_line(text, "runbook", runbook);
  for (const auto& example : examples) {
    if (count > 1 || example.args) append_line(text, "example", example_line(example));
  }
  append_line(text, "run again", command());
  return text;
}

std::string Alert::text() const { return headline() + "\n" + details(); }

Alert parse_alert(std::string_view text) {
  const auto json = nlohmann::json::parse(text);
  Alert alert;
  alert.id = json.at("id");
  alert.instance = json.at("instance");
  alert.kind = json.at("kind");
  alert.event_name = json.at("event_name");
  alert.handler = json.at("handler");
  alert.owner = json.at("owner");
  alert.runbook = json.at("runbook");
  alert.count = json.at("count");
  alert.event_ids = json.at("event_ids").get<std::vector<std::int64_t>>();
  for (const auto& example : json.at("examples")) alert.examples.push_back(parse_example(example));
  for (const auto& cause : json.value("causes", nlohmann::json::array()))
    alert.causes.push_back({cause.at("pairs"), cause.at("error")});
  alert.attempts = json.at("attempts");
  alert.last_error = json.at("last_error");
  alert.recovers = json.at("recovers").get<std::vector<std::string>>();
  alert.first_at = json.at("first_at");
  alert.last_at = json.at("last_at");
  alert.reminded_at = json.value("reminded_at", "");
  alert.unresolved = json.value("unresolved", std::int64_t{0});
  return alert;
}

nlohmann::json to_json(const Alert& alert) {
  auto examples = nlohmann::json::array();
  for (const auto& example : alert.examples) examples.push_back(to_json(example));
  auto causes = nlohmann::json::array();
  for (const auto& [pairs, error] : alert.causes)
    causes.push_back({{"pairs", pairs}, {"error", error}});
  nlohmann::json json{{"id", alert.id},
                      {"instance", alert.instance},
                      {"kind", alert.kind},
                      {"event_name", alert.event_name},
                      {"handler", alert.handler},
                      {"owner", alert.owner},
                      {"runbook", alert.runbook},
                      {"count", alert.count},
                      {"event_ids", alert.event_ids},
                      {"examples", std::move(examples)},
                      {"causes", std::move(causes)},
                      {"attempts", alert.attempts},
                      {"last_error", alert.last_error},
                      {"recovers", alert.recovers},
                      {"first_at", alert.first_at},
                      {"last_at", alert.last_at},
                      {"command", alert.command()},
                      {"text", alert.text()}};
  if (alert.is_reminder()) {
    json["reminded_at"] = alert.reminded_at;
    json["unresolved"] = alert.unresolved;
  }
  return json;
}

}  // namespace evd::alert
