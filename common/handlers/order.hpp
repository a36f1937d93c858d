// What a handler with a thread of its own is told through its inbox, and how that thread waits.
#pragma once

#include <algorithm>

#include "common/base/clock.hpp"
#include "common/handlers/handler.hpp"

namespace evd::handlers {

struct Order {
  enum class Kind { k_start, k_interrupt, k_stop };  // the last: when the handler ends
  Kind kind = Kind::k_start;
  Batch batch{};  // k_start
};

// Milliseconds for epoll_wait(): until then, an hour at the most; -1 for max().
inline int wait_ms(Clock::TimePoint until) {
  if (until == Clock::TimePoint::max()) return -1;
  const auto left =
      std::chrono::ceil<Milliseconds>(until - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

}  // namespace evd::handlers
