// A thread that does something with a connection of its own every so often, and connects again when
// it is lost, no more rarely than it works.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "common/base/clock.hpp"
#include "common/logging/logger.hpp"
#include "common/pg/connection.hpp"

namespace evd::daemon {

class Periodic {
 public:
  // `work` runs every `every`, as soon as there is a connection; it throws pg::Error when the
  // connection is lost. `lost` (may be empty) is told once of each loss and each failed attempt to
  // connect.
  Periodic(pg::ConnectOptions options, Milliseconds every, logging::Logger& logger,
           std::function<void(pg::Connection&)> work,
           std::function<void(const pg::Error&)> lost = {});
  ~Periodic();

 private:
  void run(const std::stop_token& stop);
  void work_until_lost(pg::Connection& connection, const std::stop_token& stop);
  void pause(const std::stop_token& stop, Milliseconds time);

  pg::ConnectOptions options_;
  Milliseconds every_;
  logging::Logger& logger_;
  std::function<void(pg::Connection&)> work_;
  std::function<void(const pg::Error&)> lost_;
  std::mutex mutex_;  // guards nothing but the wait, which a stop interrupts
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace evd::daemon
