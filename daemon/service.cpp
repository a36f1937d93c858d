#include "daemon/service.hpp"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>

namespace evd::daemon {

Service::Service() {
  std::uint64_t microseconds = 0;
  has_watchdog_ = sd_watchdog_enabled(0, &microseconds) > 0;
  if (has_watchdog_)
    alive_every_ = Milliseconds{static_cast<std::int64_t>(microseconds / 1000 / 3)};
}

void Service::ready(const std::string& text) { sd_notify(0, ("READY=1\nSTATUS=" + text).c_str()); }

void Service::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void Service::stopping() { sd_notify(0, "STOPPING=1\nSTATUS=draining"); }

void Service::status(const std::string& text) { sd_notify(0, ("STATUS=" + text).c_str()); }

void Service::alive() {
  const auto now = SteadyClock{}.now();
  if (!has_watchdog_ || now - last_alive_ < alive_every_ / 2) return;
  last_alive_ = now;
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace evd::daemon
