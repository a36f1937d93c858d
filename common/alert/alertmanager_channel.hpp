// Prometheus Alertmanager, by its API v2. An alert there lasts for five minutes unless it is posted
// again, which happens for as long as what it tells of is unresolved; "recovered" ends it at once.
#pragma once

#include "common/alert/channel.hpp"

namespace evd::alert {

class AlertmanagerChannel : public Channel {
 public:
  explicit AlertmanagerChannel(const ChannelConfig& config) : config_(config) {}

  const std::string& name() const override { return config_.name; }
  std::optional<std::string> send(const Alert& alert) override;
  std::optional<Milliseconds> refresh_every() const override {
    return std::chrono::minutes{2};  // one that fails may be missed
  }

 private:
  ChannelConfig config_;
};

// The body of POST /api/v2/alerts. `now`: seconds since 1970.
nlohmann::json alertmanager_alerts(const Alert& alert, std::int64_t now);

}  // namespace evd::alert
