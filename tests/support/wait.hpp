// Waiting for a condition with a deadline, in place of sleeping and hoping.
#pragma once

#include <chrono>
#include <thread>

namespace evd::test {

// Whether `predicate` came true in time. It is asked every 5 ms, and once more at the end.
template <typename Predicate>
bool eventually(Predicate&& predicate,
                std::chrono::milliseconds timeout = std::chrono::seconds{60}) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (predicate()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return predicate();
}

}  // namespace evd::test
