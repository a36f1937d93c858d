#include "common/alert/alertmanager_channel.hpp"

#include <time.h>

#include <array>
#include <chrono>
#include <exception>

#include "common/alert/http_client.hpp"

namespace evd::alert {
namespace {

constexpr std::int64_t k_lasts_s = 300;
// What a "recovered" may end; it does not say which.
constexpr std::array<const char*, 7> k_tracked = {"failing",     "escalated",        "stalled",
                                                  "backlog",     "recovery_stalled", "channel_away",
                                                  "config_drift"};

std::string iso_time(std::int64_t seconds) {
  const time_t time = seconds;
  tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

const char* severity_of(const std::string& kind) {
  const bool is_critical = kind == "escalated" || kind == "database_away" ||
                           kind == "recovery_stalled" || kind == "channel_away";
  return is_critical ? "critical" : "warning";
}

// What tells one alert from another. Never ids: each would be an alert of its own.
nlohmann::json labels_of(const Alert& alert, const std::string& kind) {
  nlohmann::json labels = {{"alertname", "evd_" + kind}, {"severity", severity_of(kind)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) labels[name] = value;
  };
  add("instance", alert.instance);
  add("event", alert.event_name);
  add("handler", alert.handler);
  add("owner", alert.owner);
  return labels;
}

nlohmann::json annotations_of(const Alert& alert) {
  nlohmann::json annotations = {{"summary", alert.headline()}, {"description", alert.details()}};
  std::string ids;
  for (const auto id : alert.event_ids) ids += (ids.empty() ? "" : " ") + std::to_string(id);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) annotations[name] = value;
  };
  add("alert", alert.id);
  add("event_ids", ids);
  add("command", alert.command());
  add("runbook_url", alert.runbook);
  return annotations;
}

}  // namespace

nlohmann::json alertmanager_alerts(const Alert& alert, std::int64_t now) {
  auto alerts = nlohmann::json::array();
  const auto add = [&](const std::string& kind, std::int64_t ends_at) {
    alerts.push_back({{"labels", labels_of(alert, kind)},
                      {"annotations", annotations_of(alert)},
                      {"endsAt", iso_time(ends_at)}});
    if (!alert.first_at.empty()) alerts.back()["startsAt"] = alert.first_at;
  };
  if (!alert.is_recovered()) {
    add(alert.kind, now + k_lasts_s);
  } else {
    for (const char* kind : k_tracked) add(kind, now);
  }
  return alerts;
}

std::optional<std::string> AlertmanagerChannel::send(const Alert& alert) {
  try {
    std::string url = config_.target.url;
    while (url.ends_with('/')) url.pop_back();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto body =
        alertmanager_alerts(alert, std::chrono::duration_cast<std::chrono::seconds>(now).count());
    return post_json(url + "/api/v2/alerts", {},
                     body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert
