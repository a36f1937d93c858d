#include "common/schema/apply.hpp"

#include <nlohmann/json.hpp>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::schema {
namespace {

using nlohmann::json;

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

json event_json(const EventConfig& event) {
  return {{"handlers", event.handlers},           {"deadline_ms", event.deadline.count()},
          {"owner", text_or_null(event.owner)},   {"reliability", to_string(event.reliability)},
          {"alert_timeout", event.alert_timeout}, {"max_args", event.max_args}};
}

json handler_json(const HandlerConfig& handler) {
  return {{"kind", to_string(handler.kind)},
          {"owner", text_or_null(handler.owner)},
          {"runbook", text_or_null(handler.runbook)},
          {"max_attempts", handler.max_attempts},
          {"alert_after", handler.alert_after},
          {"retry", handler.retry == RetryBy::k_cron ? "cron" : "daemon"},
          {"backoff_base_ms", handler.backoff.base.count()},
          {"backoff_factor", handler.backoff.factor},
          {"backoff_max_ms", handler.backoff.max.count()},
          {"backoff_jitter", handler.backoff.jitter}};
}

Change::Kind change_kind(const std::string& word) {
  if (word == "added") return Change::Kind::k_added;
  return word == "changed" ? Change::Kind::k_changed : Change::Kind::k_removed;
}

std::string object_text(const json& value) {
  return value.is_null() ? std::string() : value.dump();
}

std::vector<Change> read_changes(const json& entries) {
  std::vector<Change> changes;
  for (const auto& entry : entries)
    changes.push_back({change_kind(entry.at("change")), entry.at("name"),
                       object_text(entry.at("before")), object_text(entry.at("after")),
                       entry.at("outstanding")});
  return changes;
}

ApplyPlan read_plan(std::string text) {
  const auto answer = json::parse(text);
  ApplyPlan plan;
  plan.json = std::move(text);
  plan.events = read_changes(answer.at("events"));
  plan.handlers = read_changes(answer.at("handlers"));
  plan.settings = read_changes(answer.at("settings"));
  for (const auto& entry : answer.at("missing")) {
    const bool is_event = entry.at("kind") == "event";
    (is_event ? plan.missing_events : plan.missing_handlers).push_back(entry.at("name"));
    if (entry.at("emitted_lately")) plan.lately_emitted.push_back(entry.at("name"));
  }
  return plan;
}

ApplyPlan call_apply(pg::Connection& connection, const Config& config, const ApplyOptions& options,
                     bool dry_run) {
  const auto answer =
      connection.query("select evd.apply($1, $2, $3, $4)",
                       pg::params(routes_json(config), options.prune, dry_run, options.actor));
  return read_plan(answer.string(0, 0));
}

}  // namespace

std::string routes_json(const Config& config) {
  json events = json::object();
  for (const auto& [name, event] : config.events) events[name] = event_json(event);
  json handlers = json::object();
  for (const auto& [name, handler] : config.handlers) handlers[name] = handler_json(handler);
  return json{{"events", events},
              {"handlers", handlers},
              {"dedup_retention_ms", config.recovery.dedup_retention.count()}}
      .dump();
}

ApplyPlan plan_apply(pg::Connection& connection, const Config& config,
                     const ApplyOptions& options) {
  return call_apply(connection, config, options, true);
}

ApplyPlan apply(pg::Connection& connection, const Config& config, const ApplyOptions& options) {
  return call_apply(connection, config, options, false);
}

std::vector<std::string> drift(pg::Connection& connection, const Config& config) {
  const auto lines =
      connection.query("select evd.config_drift($1)", pg::params(routes_json(config)));
  std::vector<std::string> result;
  for (int row = 0; row < lines.rows(); ++row) result.push_back(lines.string(row, 0));
  return result;
}

void note_drift(pg::Connection& connection, const Config& config, const std::string& where) {
  const std::vector<std::string> differences = drift(connection, config);
  const std::optional<std::string> error =
      differences.empty() ? std::nullopt : std::optional(join(differences, "; "));
  connection.query("select evd.note_trouble('config_drift', $1, $2)", pg::params(where, error));
}

bool has_routes(pg::Connection& connection) {
  return connection.query("select exists (select from evd.route)").boolean(0, 0);
}

}  // namespace evd::schema
