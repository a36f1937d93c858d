// When a program that keeps dying may be started again: at once after it did something, then after
// 100 ms, doubling up to 10 s.
#pragma once

#include <algorithm>

#include "common/base/clock.hpp"

namespace evd::handlers {

class RestartPace {
 public:
  bool may_start(Clock::TimePoint now) const { return now >= next_at_; }
  Clock::TimePoint next_at() const { return next_at_; }

  // It died. `was_useful`: it had answered something.
  void died(Clock::TimePoint now, bool was_useful) {
    wait_ = was_useful ? Milliseconds{0} : std::clamp(wait_ * 2, k_first, k_longest);
    next_at_ = now + wait_;
  }

 private:
  static constexpr Milliseconds k_first{100};
  static constexpr Milliseconds k_longest{10'000};

  Milliseconds wait_{0};
  Clock::TimePoint next_at_{};
};

}  // namespace evd::handlers
