// Time that only grows, behind an interface so that tests advance it by hand. It measures waits and
// timeouts inside one process; whatever is stored or compared between processes is the database's
// time.
#pragma once

#include <chrono>

namespace evd {

using Milliseconds = std::chrono::milliseconds;

class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  virtual TimePoint now() const = 0;
};

class SteadyClock : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace evd
