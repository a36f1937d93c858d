// What evrecover is asked for on its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/clock.hpp"

namespace evd::evrecover {

struct Options {
  std::optional<std::string> config;
  std::optional<std::string> database;
  std::optional<Milliseconds> max_runtime;  // over [recovery] max_runtime
  std::int64_t limit = 0;                   // events and deliveries taken; 0: no limit
  bool json = false;
  bool dry_run = false;
  bool until_idle = false;
  bool fail_on_escalated = false;
};

// What one pass did; what --json prints.
struct Report {
  std::int64_t taken = 0;  // events read from the log
  std::int64_t taken_over = 0, timed_out = 0, retried = 0, succeeded = 0, failed = 0, escalated = 0,
               alerts_sent = 0;
  Milliseconds duration{0};

  bool is_quiet() const {
    return taken + taken_over + timed_out + retried + succeeded + failed + escalated +
               alerts_sent ==
           0;
  }
};

}  // namespace evd::evrecover
