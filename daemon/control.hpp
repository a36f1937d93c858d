// What signals ask of the daemon, and what its threads tell each other of its health.
#pragma once

#include <atomic>
#include <cstdint>

#include "common/base/event_fd.hpp"

namespace evd::daemon {

struct Control {
  std::atomic<bool> stop{false};       // SIGTERM, SIGINT: drain and leave
  std::atomic<bool> interrupt{false};  // the second one: give back what runs
  std::atomic<bool> reload{false};     // SIGHUP
  EventFd wake;                        // readable after any of them changed
};

// Written by the engine and the keeper, read by them and by the HTTP server.
struct Health {
  std::atomic<bool> is_connected{false};
  std::atomic<bool> is_beating{false};  // the last heartbeat was taken
  std::atomic<std::int64_t> node{0};    // 0: not registered
  std::atomic<std::int64_t> events_taken{0}, windows_closed{0}, reconnects{0};
  std::atomic<bool> has_alert{
      true};  // the engine saw one waiting that the keeper has not looked at
  std::atomic<std::int64_t> done{0}, retry{0}, failed{0}, handed_back{0};

  bool is_ready() const { return is_connected && is_beating && node != 0; }
};

}  // namespace evd::daemon
