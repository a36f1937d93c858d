// How many events the next batch of an sql handler takes. While all goes well: what takes about
// 50 ms, since a batch holds its users' row locks. After a batch that failed: halves, until the one
// event that fails runs alone. One share's; owned by the thread that runs it.
#pragma once

#include <algorithm>
#include <chrono>

namespace evd::handlers {

class Pace {
 public:
  static constexpr int k_first = 8;  // events, while nothing is known

  explicit Pace(int batch, int first = k_first)
      : batch_(std::max(batch, 1)), target_(std::clamp(first, 1, batch_)) {}

  int limit() const {
    if (singles_ > 0) return 1;
    return suspects_ > 0 ? std::max(suspects_ / 2, 1) : target_;
  }

  // The batch, of limit() events, succeeded.
  void passed(std::chrono::nanoseconds took);

  // It failed: one of its events is to blame, or all together.
  void failed() { suspects_ = limit(); }

  // It took the connection with it, so halving would do that again and again: each of its events
  // runs alone.
  void run_singly();

  // It is to run again with one event, for it may be a matter of luck or of size.
  void go_singly();

  int target() const { return target_; }

 private:
  int batch_;
  int target_;
  int suspects_ = 0;  // so many of the next events hold one that fails
  int singles_ = 0;   // so many of the next events run alone
};

}  // namespace evd::handlers
