#include "daemon/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/base/version.hpp"

namespace evd::daemon {
namespace {

using nlohmann::json;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

void add(MetricFamily& family, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

MetricFamily family(const char* name, const char* help, MetricType type, double value) {
  MetricFamily single{name, help, type, {}};
  add(single, value);
  return single;
}

double number(const std::atomic<std::int64_t>& value) { return static_cast<double>(value.load()); }

// null, as of a time that never was, is no number.
bool has_number(const json& object, const char* key) {
  return object.contains(key) && object.at(key).is_number();
}

MetricFamily attempts_of(const Health& health) {
  MetricFamily attempts{"evd_attempts_total",
                        "Attempts of this node that ended, by handler and outcome.",
                        MetricType::Counter,
                        {}};
  for (const auto& [handler, outcomes] : health.outcomes.get()) {
    const std::array<std::pair<const char*, std::int64_t>, 4> counts{
        {{"done", outcomes.done},
         {"retry", outcomes.retry},
         {"failed", outcomes.failed},
         {"handed_back", outcomes.handed_back}}};
    for (const auto& [outcome, count] : counts) {
      add(attempts, static_cast<double>(count), {{"handler", handler}, {"outcome", outcome}});
    }
  }
  return attempts;
}

void add_node(std::vector<MetricFamily>& families, const Health& health) {
  MetricFamily version{"evd_build_info", "The running version.", MetricType::Gauge, {}};
  add(version, 1, {{"version", k_version}});
  families.push_back(std::move(version));
  families.push_back(family("evd_ready", "1 while connected, registered and with a heartbeat.",
                            MetricType::Gauge, health.is_ready() ? 1 : 0));
  families.push_back(
      family("evd_node", "This node's id; 0: none.", MetricType::Gauge, number(health.node)));
  families.push_back(family("evd_events_taken_total", "Events that this node took from the log.",
                            MetricType::Counter, number(health.events_taken)));
  families.push_back(family("evd_windows_closed_total", "Windows that this node closed.",
                            MetricType::Counter, number(health.windows_closed)));
  families.push_back(family("evd_reconnects_total",
                            "Sessions with PostgreSQL that were lost and replaced.",
                            MetricType::Counter, number(health.reconnects)));
  families.push_back(family("evd_spool_bytes",
                            "Events on this node's disk that the database has yet to take.",
                            MetricType::Gauge, number(health.spooled_bytes)));
  families.push_back(family("evd_untracked_failed_total",
                            "Pairs of events that are not tracked which failed.",
                            MetricType::Counter, number(health.untracked_failed)));
  families.push_back(attempts_of(health));
}

// One number of the installation, as evd.metrics() names it.
struct Figure {
  const char* key;
  const char* name;
  const char* help;
  MetricType type;
};

constexpr std::array<Figure, 10> k_figures{{
    {"taken", "evd_log_events_total", "Events taken from the log.", MetricType::Counter},
    {"pairs", "evd_log_pairs_total", "Pairs of those events and their handlers.",
     MetricType::Counter},
    {"open_windows", "evd_windows_open", "Windows that some node holds open.", MetricType::Gauge},
    {"unread", "evd_events_unread", "Events that no window has taken, counted up to 10000.",
     MetricType::Gauge},
    {"lag", "evd_lag_seconds", "Age of the oldest event that no window has taken; 0: none.",
     MetricType::Gauge},
    {"nodes", "evd_nodes", "Nodes of kind evd that are registered.", MetricType::Gauge},
    {"since_recovery", "evd_evrecover_age_seconds", "Since evrecover last ran; absent: never.",
     MetricType::Gauge},
    {"alerts_waiting", "evd_alerts_waiting", "Messages that no channel has taken yet.",
     MetricType::Gauge},
    {"alerts_unresolved", "evd_alerts_unresolved",
     "Messages that were sent and tell of unresolved pairs.", MetricType::Gauge},
    {"channels_failing", "evd_channels_failing", "Alert channels whose last message failed.",
     MetricType::Gauge},
}};

void add_handlers(std::vector<MetricFamily>& families, const json& handlers) {
  MetricFamily pairs{"evd_pairs_outstanding",
                     "Pairs that have a row of their own, by state; deferred: at most so many that "
                     "wait behind a handler that was put off.",
                     MetricType::Gauge,
                     {}};
  MetricFamily hosted{"evd_handler_hosted", "1: a living evd hosts it.", MetricType::Gauge, {}};
  MetricFamily paused{"evd_handler_paused", "1: a person paused it.", MetricType::Gauge, {}};
  MetricFamily broken{"evd_breaker_open", "1: its breaker is open.", MetricType::Gauge, {}};
  for (const json& handler : handlers) {
    const auto name = handler.at("name").get<std::string>();
    const std::array<std::pair<const char*, const char*>, 4> states{{{"waiting", "waiting"},
                                                                     {"running", "running"},
                                                                     {"escalated", "escalated"},
                                                                     {"part_events", "deferred"}}};
    for (const auto& [key, state] : states)
      add(pairs, handler.at(key).get<double>(), {{"handler", name}, {"state", state}});
    add(hosted, handler.at("is_hosted").get<bool>() ? 1 : 0, {{"handler", name}});
    add(paused, handler.at("paused_at").is_null() ? 0 : 1, {{"handler", name}});
    add(broken, handler.at("breaker").is_null() ? 0 : 1, {{"handler", name}});
  }
  for (MetricFamily* each : {&pairs, &hosted, &paused, &broken})
    families.push_back(std::move(*each));
}

// The median and the longest of a handler's times.
void add_times(MetricFamily& family, const json& handler, const std::string& what) {
  const auto name = handler.at("handler").get<std::string>();
  for (const auto& [suffix, statistic] :
       {std::pair{"_median", "median"}, std::pair{"_longest", "longest"}}) {
    const std::string key = what + suffix;
    if (has_number(handler, key.c_str()))
      add(family, handler.at(key).get<double>(), {{"handler", name}, {"statistic", statistic}});
  }
}

void add_recovery(std::vector<MetricFamily>& families, const json& handlers) {
  MetricFamily recovered{"evd_recovered_pairs",
                         "Pairs that failed and were done within the last day.",
                         MetricType::Gauge,
                         {}};
  MetricFamily recovery{
      "evd_recovery_seconds",
      "From their first failure until they were done: the median, and the longest.",
      MetricType::Gauge,
      {}};
  MetricFamily telling{"evd_telling_seconds",
                       "From an alert until a channel had taken it, within the last day.",
                       MetricType::Gauge,
                       {}};
  for (const json& handler : handlers) {
    add(recovered, handler.at("recovered").get<double>(),
        {{"handler", handler.at("handler").get<std::string>()}});
    add_times(recovery, handler, "recovery");
    add_times(telling, handler, "telling");
  }
  for (MetricFamily* each : {&recovered, &recovery, &telling}) families.push_back(std::move(*each));
}

void add_installation(std::vector<MetricFamily>& families, const json& installation) {
  for (const Figure& figure : k_figures) {
    if (!has_number(installation, figure.key)) continue;
    families.push_back(
        family(figure.name, figure.help, figure.type, installation.at(figure.key).get<double>()));
  }
  add_handlers(families, installation.at("handlers"));
  add_recovery(families, installation.at("recovery"));
}

}  // namespace

std::string metrics_text(const Health& health) {
  std::vector<MetricFamily> families;
  add_node(families, health);
  const std::string installation = health.installation.get();
  if (!installation.empty()) add_installation(families, json::parse(installation));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace evd::daemon
