// Applications that emit in every shape a transaction can have: several events in one, a part of it
// rolled back to a savepoint, all of it rolled back, prepared and committed later, open for long.
// Each emitter is a thread with a connection, and connects again where that is lost.
#pragma once

#include <atomic>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/pg/connection.hpp"

namespace evd::test {

// What one transaction emitted, by what became of it.
struct Emitted {
  std::vector<std::int64_t> committed;
  std::vector<std::int64_t> undone;    // rolled back: never to be run
  std::vector<std::int64_t> in_doubt;  // the connection was lost in the commit
};

class Emitters {
 public:
  // `prepares`: every other one also by two-phase commit, which the server must allow. `pause`:
  // between transactions of one emitter.
  Emitters(const std::string& url, int count, unsigned seed, bool prepares,
           std::chrono::milliseconds pause);

  std::size_t committed() const { return committed_; }  // events, so far
  Emitted stop();

 private:
  void run(const std::string& url, int number, unsigned seed, const std::stop_token& stop);
  // `prepared`: a name for two-phase commits; empty: none.
  void transact(pg::Connection& connection, std::mt19937& random, const std::string& prepared);
  void keep(const Emitted& emitted);

  const bool prepares_;
  const std::chrono::milliseconds pause_;
  std::atomic<std::size_t> committed_ = 0;
  std::mutex mutex_;  // guards emitted_
  Emitted emitted_;
  std::vector<std::jthread> threads_;  // last: started when all else is there
};

}  // namespace evd::test
