// What systemd is told, where it started us: readiness, status, and that the engine's loop still
// turns.
#pragma once

#include <string>

#include "common/base/clock.hpp"

namespace evd::daemon {

class Service {
 public:
  Service();

  void ready(const std::string& status);
  void reloading();
  void stopping();
  void status(const std::string& text);
  void alive();  // call at least every alive_every(); cheap

  Milliseconds alive_every() const { return alive_every_; }

 private:
  Milliseconds alive_every_{10'000};
  bool has_watchdog_ = false;
  SteadyClock::TimePoint last_alive_{};
};

}  // namespace evd::daemon
