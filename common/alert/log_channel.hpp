// Alerts as log lines: the last resort, which always takes them.
#pragma once

#include "common/alert/channel.hpp"

namespace evd::alert {

class LogChannel : public Channel {
 public:
  LogChannel(std::string name, logging::Logger& logger) : name_(std::move(name)), logger_(logger) {}

  const std::string& name() const override { return name_; }
  std::optional<std::string> send(const Alert& alert) override;

 private:
  std::string name_;
  logging::Logger& logger_;
};

}  // namespace evd::alert
