// The parts of a recovery pass that run no handler: the same for evd, which makes them every few
// seconds beside its dispatcher, and for evrecover, which also runs what is due. Each call is one
// bounded page after another of short statements; a pass that is killed anywhere leaves what the
// next one finishes.
#pragma once

#include <functional>
#include <map>

#include "common/config/config.hpp"
#include "common/recovery/watch.hpp"

namespace evd::recovery {

struct PassCounts {
  int fenced = 0;      // nodes declared dead
  int taken_over = 0;  // windows, parts and deliveries freed from dead nodes
  int timed_out = 0;   // deliveries past their deadline, noted
  int stalled = 0;     // pairs and parts that somebody is told of because they wait for too long
};

class Pass {
 public:
  Pass(const RecoveryConfig& config, const Clock& clock, logging::Logger& logger);

  // Frees what dead nodes hold. Nodes under suspicion need another look: see
  // NodeWatch::next_look_at.
  void free_dead(journal::Journal& journal, PassCounts& counts);
  // Notes what is past its deadline, what has waited for too long, and what is wrong as a whole.
  void note_late(journal::Journal& journal, PassCounts& counts);
  // Partitions for the days to come, and retention; looks no more often than every ten minutes.
  void maintain(journal::Journal& journal);
  // Keeps look-ups by id quick. Cheap, and worth a call every few seconds while events come in.
  void summarize(journal::Journal& journal);

  // Fetches the heartbeat URL, if there is one: somebody outside hears when passes stop. Takes up
  // to 15 s.
  void say_complete();

  const NodeWatch& watch() const { return watch_; }

 private:
  void retire_old(journal::Journal& journal);

  RecoveryConfig config_;
  const Clock& clock_;
  logging::Logger& logger_;
  NodeWatch watch_;
  std::optional<Clock::TimePoint> maintained_at_;
  std::map<std::string, std::string> kept_;  // partitions that retention had to keep, and why
};

}  // namespace evd::recovery
