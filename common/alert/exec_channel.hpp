// Runs a program, with the alert as JSON on its stdin; exit 0 means that it was told.
#pragma once

#include "common/alert/channel.hpp"

namespace evd::alert {

class ExecChannel : public Channel {
 public:
  explicit ExecChannel(const ChannelConfig& config, Milliseconds timeout = std::chrono::seconds{30})
      : config_(config), timeout_(timeout) {}

  const std::string& name() const override { return config_.name; }
  std::optional<std::string> send(const Alert& alert) override;

 private:
  ChannelConfig config_;
  Milliseconds timeout_;
};

}  // namespace evd::alert
