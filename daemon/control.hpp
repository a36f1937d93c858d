// What signals ask of the daemon, and what its threads tell each other of its health.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "common/base/event_fd.hpp"
#include "common/dispatch/holding.hpp"

namespace evd::daemon {

struct Control {
  std::atomic<bool> stop{false};       // SIGTERM, SIGINT: drain and leave
  std::atomic<bool> interrupt{false};  // the second one: give back what runs
  std::atomic<bool> reload{false};     // SIGHUP
  EventFd wake;                        // readable after any of them changed
};

// A value that one thread sets and others read.
template <typename Value>
class Published {
 public:
  void set(Value value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  Value get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;  // guards value_
  Value value_;
};

// Written by the engine and the keeper, read by them and by the HTTP server.
struct Health {
  std::atomic<bool> is_connected{false};
  std::atomic<bool> is_beating{false};  // the last heartbeat was taken
  std::atomic<std::int64_t> node{0};    // 0: not registered
  std::atomic<std::int64_t> events_taken{0}, windows_closed{0}, reconnects{0};
  std::atomic<bool> has_alert{
      true};  // the engine saw one waiting that the keeper has not looked at
  std::atomic<std::int64_t> spooled_bytes{0}, untracked_failed{0};
  Published<std::map<std::string, dispatch::Outcomes>> outcomes;  // attempts of this node
  Published<std::string> installation;  // what evd.metrics() said last; empty: nothing yet

  bool is_ready() const { return is_connected && is_beating && node != 0; }
};

}  // namespace evd::daemon
