// The daemon's main loop: one connection, with those of its journal that claim ahead, one
// dispatcher, and the wait for something to do. It reconnects for ever, and returns when it is told
// to stop or to take another configuration.
#pragma once

#include "common/config/config.hpp"
#include "common/dispatch/dispatcher.hpp"
#include "common/dispatch/sleeper.hpp"
#include "common/journal/pg_journal.hpp"
#include "daemon/control.hpp"
#include "daemon/service.hpp"

namespace evd::daemon {

class Engine {
 public:
  Engine(const Config& config, Control& control, Health& health, Service& service,
         logging::Logger& logger);
  ~Engine();

  // Until Control says stop or reload. What was taken is run to its end or given back before it
  // returns. Throws SchemaError when the database is there and its schema is not one to work with.
  void run();

 private:
  struct Session;  // a connection with its journal

  // A reload waits for the database: what runs could not be reported before.
  bool is_over() const { return control_.stop || (control_.reload && health_.is_connected); }
  bool connect();
  void first_connection(const std::string& instance);
  void join(journal::Journal& journal);
  void run_session();
  void turn();
  dispatch::Claimed claimed() const;  // in the step before
  void wait(Clock::TimePoint until);
  void drain();
  bool leave(Clock::TimePoint deadline);
  bool connect_to_leave(Clock::TimePoint deadline);
  bool drain_until(Clock::TimePoint deadline);
  void publish();

  const Config& config_;
  Control& control_;
  Health& health_;
  Service& service_;
  logging::Logger& logger_;
  SteadyClock clock_;
  dispatch::Inbox inbox_;
  dispatch::HandlerMap handlers_;
  std::unique_ptr<dispatch::Dispatcher> dispatcher_;
  std::unique_ptr<dispatch::Sleeper> sleeper_;
  std::unique_ptr<Session> session_;
  journal::NodeId node_ = 0;
  Clock::TimePoint publish_outcomes_at_{};
};

}  // namespace evd::daemon
