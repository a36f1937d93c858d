// How long to wait before connecting again: 100 ms, doubling up to 5 s, from the start after
// success.
#pragma once

#include <algorithm>
#include <chrono>

namespace evd::pg {

class ReconnectBackoff {
 public:
  explicit ReconnectBackoff(std::chrono::milliseconds first = std::chrono::milliseconds{100},
                            std::chrono::milliseconds longest = std::chrono::milliseconds{5'000})
      : first_(first), longest_(longest), next_(first) {}

  // The wait before the next attempt; each call lengthens the one after it.
  std::chrono::milliseconds next() {
    const auto wait = next_;
    next_ = std::min(next_ * 2, longest_);
    return wait;
  }

  void reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds longest_;
  std::chrono::milliseconds next_;
};

}  // namespace evd::pg
