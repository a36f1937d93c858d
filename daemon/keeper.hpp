// What runs beside the engine with connections of its own: the heartbeat, so that a slow statement
// of the engine cannot make the node look dead, and every [recovery] every a recovery pass and the
// alerts that wait.
#pragma once

#include <memory>

#include "common/alert/direct_alert.hpp"
#include "common/config/config.hpp"
#include "common/recovery/pass.hpp"
#include "daemon/control.hpp"
#include "daemon/events_route.hpp"
#include "daemon/periodic.hpp"

namespace evd::daemon {

class Keeper {
 public:
  Keeper(const Config& config, Health& health, const UntrackedSlot& untracked,
         logging::Logger& logger);
  ~Keeper();

 private:
  void beat(pg::Connection& connection);
  void make_pass(pg::Connection& connection);
  void tell_lost(pg::Connection& connection);
  void check_drift(pg::Connection& connection);
  void database_lost(const pg::Error& error);

  const Config& config_;
  Health& health_;
  const UntrackedSlot& untracked_;
  logging::Logger& logger_;
  SteadyClock clock_;
  alert::Channels channels_;  // used by the recovery thread alone
  alert::DirectAlert direct_;
  recovery::Pass pass_;
  Clock::TimePoint next_pass_;
  Clock::TimePoint next_send_;    // of alerts, if nobody says before that one waits
  Clock::TimePoint next_drift_;   // a look whether file and database agree
  std::int64_t summarized_ = -1;  // events taken when the log was last summarized
  Periodic heartbeat_;
  Periodic recovery_;
};

}  // namespace evd::daemon
