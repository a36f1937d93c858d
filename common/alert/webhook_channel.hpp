// Posts the alert as JSON, signed as Standard Webhooks asks.
#pragma once

#include "common/alert/channel.hpp"

namespace evd::alert {

class WebhookChannel : public Channel {
 public:
  explicit WebhookChannel(const ChannelConfig& config) : config_(config) {}

  const std::string& name() const override { return config_.name; }
  std::optional<std::string> send(const Alert& alert) override;

 private:
  ChannelConfig config_;
};

}  // namespace evd::alert
