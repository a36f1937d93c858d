// Tells dead nodes from slow ones. After PostgreSQL was away every heartbeat looks old by its
// clock, so a node counts as dead only when its heartbeat also stands still for a while of the
// observer's own clock.
#pragma once

#include <map>

#include "common/base/clock.hpp"
#include "common/journal/journal.hpp"
#include "common/logging/logger.hpp"

namespace evd::recovery {

class NodeWatch {
 public:
  // `timeout`: how old a heartbeat must be; `watch_for`: how long it must then stand still.
  NodeWatch(const Clock& clock, logging::Logger& logger, Milliseconds timeout,
            Milliseconds watch_for);

  // One look: fences the nodes that stood still for long enough. Returns how many.
  int look(journal::Journal& journal);

  // When the next look can fence somebody; nullopt: nobody is under suspicion.
  std::optional<Clock::TimePoint> next_look_at() const;

 private:
  const Clock& clock_;
  logging::Logger& logger_;
  Milliseconds timeout_;
  Milliseconds watch_for_;
  std::map<journal::StaleNode, Clock::TimePoint> seen_;  // the node with its heartbeat, since when
};

// How often a node's heartbeat moves, and how long one that does not is watched.
Milliseconds heartbeat_every(Milliseconds node_timeout);
Milliseconds watch_time(Milliseconds node_timeout);

}  // namespace evd::recovery
