// Slack's incoming webhooks, and whatever takes the same JSON.
#pragma once

#include <cstddef>

#include "common/alert/channel.hpp"

namespace evd::alert {

// As Slack wants text that is not meant as markup: & < > escaped, no words that call people. At
// most `max_bytes`, never cut inside a character or an escape.
std::string escape_slack(std::string_view text, std::size_t max_bytes);

nlohmann::json slack_message(const Alert& alert);

class SlackChannel : public Channel {
 public:
  explicit SlackChannel(const ChannelConfig& config) : config_(config) {}

  const std::string& name() const override { return config_.name; }
  std::optional<std::string> send(const Alert& alert) override;

 private:
  ChannelConfig config_;
};

}  // namespace evd::alert
