// A clock that stands still until its test moves it. Belongs to the test's thread.
#pragma once

#include "common/base/clock.hpp"

namespace evd::test {

class FakeClock : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void advance(Milliseconds duration) { now_ += duration; }

 private:
  TimePoint now_{std::chrono::hours{1}};  // so that no default time point lies in the future
};

}  // namespace evd::test
