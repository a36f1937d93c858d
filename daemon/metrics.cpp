#include "daemon/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <vector>

#include "common/base/version.hpp"

namespace evd::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric sample(MetricType type, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

MetricFamily family(const char* name, const char* help, MetricType type, double value) {
  return {name, help, type, {sample(type, value)}};
}

double number(const std::atomic<std::int64_t>& value) { return static_cast<double>(value.load()); }

}  // namespace

std::string metrics_text(const Health& health) {
  MetricFamily attempts{"evd_attempts_total",
                        "Attempts that ended, by outcome; shares of sql handlers not counted.",
                        MetricType::Counter,
                        {}};
  const auto outcome = [&](const char* name, const std::atomic<std::int64_t>& value) {
    attempts.metric.push_back(sample(MetricType::Counter, number(value), {{"outcome", name}}));
  };
  outcome("done", health.done);
  outcome("retry", health.retry);
  outcome("failed", health.failed);
  outcome("handed_back", health.handed_back);
  const std::vector<MetricFamily> families = {
      {"evd_build_info",
       "The running version.",
       MetricType::Gauge,
       {sample(MetricType::Gauge, 1, {{"version", k_version}})}},
      family("evd_ready", "1 while connected, registered and with a heartbeat.", MetricType::Gauge,
             health.is_ready() ? 1 : 0),
      family("evd_node", "This node's id; 0: none.", MetricType::Gauge, number(health.node)),
      family("evd_events_taken_total", "Events taken from the log.", MetricType::Counter,
             number(health.events_taken)),
      family("evd_windows_closed_total", "Windows and parts closed.", MetricType::Counter,
             number(health.windows_closed)),
      family("evd_reconnects_total", "Sessions with PostgreSQL that were lost and replaced.",
             MetricType::Counter, number(health.reconnects)),
      attempts};
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace evd::daemon
