// One recovery pass that also runs handlers: frees what dead nodes hold, takes what nobody reads,
// runs what is due, tells who must be told. Everything it holds ends with it.
#pragma once

#include "cli/evrecover/options.hpp"
#include "cli/evrecover/stop_signals.hpp"
#include "common/dispatch/dispatcher.hpp"
#include "common/journal/pg_journal.hpp"
#include "common/recovery/pass.hpp"

namespace evd::evrecover {

class PassRun {
 public:
  // Everything given outlives it. `instance` is the database's.
  PassRun(const Config& config, const Options& options, pg::Connection& connection,
          const std::string& instance, StopSignals& signals, logging::Logger& logger);
  ~PassRun();

  Report run();

  // What a pass would find, as text or JSON; changes nothing.
  static void print_dry_run(const Config& config, pg::Connection& connection, bool json);

 private:
  void drain_spool();
  void run_handlers();
  bool turn();           // false: nothing is left to do now
  bool wait_for_more();  // whether something may come that this pass should still do
  void wait(Clock::TimePoint until);
  void beat();
  void drain();
  bool is_over() const;
  bool nobody_reads();
  int send_alerts();

  const Config& config_;
  const Options& options_;
  pg::Connection& connection_;
  journal::PgJournal journal_;
  StopSignals& signals_;
  logging::Logger& logger_;
  SteadyClock clock_;
  dispatch::Inbox inbox_;
  dispatch::HandlerMap handlers_;
  dispatch::Dispatcher dispatcher_;
  recovery::Pass pass_;
  recovery::PassCounts counts_;
  journal::NodeId node_ = 0;
  Clock::TimePoint started_at_;
  Clock::TimePoint deadline_;
  Clock::TimePoint beat_at_;
};

}  // namespace evd::evrecover
