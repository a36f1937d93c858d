// A sink that keeps what handlers report, for tests.
#pragma once

#include <mutex>
#include <vector>

#include "common/handlers/handler.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {

class RecordingSink : public handlers::Sink {
 public:
  void finished(std::vector<handlers::Result> results) override {
    const std::lock_guard lock(mutex_);
    for (auto& result : results) results_.push_back(std::move(result));
  }
  void share_ended(handlers::ShareEnd end) override {
    const std::lock_guard lock(mutex_);
    ends_.push_back(std::move(end));
  }

  std::vector<handlers::Result> results() const {
    const std::lock_guard lock(mutex_);
    return results_;
  }
  std::vector<handlers::ShareEnd> ends() const {
    const std::lock_guard lock(mutex_);
    return ends_;
  }

  bool wait_for_results(std::size_t count) const {
    return eventually([&] { return results().size() >= count; });
  }
  bool wait_for_ends(std::size_t count) const {
    return eventually([&] { return ends().size() >= count; });
  }

 private:
  mutable std::mutex mutex_;  // guards all below
  std::vector<handlers::Result> results_;
  std::vector<handlers::ShareEnd> ends_;
};

}  // namespace evd::test
