// What an sql handler has to do: a share of a window, batch after batch, or one delivery. Runs its
// next step on a connection and says whether it has ended; the handler decides when and where.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "common/handlers/handler.hpp"
#include "common/handlers/pace.hpp"
#include "common/pg/pool.hpp"

namespace evd::handlers {

class SqlJob {
 public:
  enum class Step {
    k_ended,
    k_again,  // at once, on any connection
    k_wait,   // a little first: it did not come forward, and not by its own fault
  };

  SqlJob(const journal::SqlStatement& statement, Sink& sink) : statement_(statement), sink_(sink) {}
  SqlJob(const SqlJob&) = delete;
  SqlJob& operator=(const SqlJob&) = delete;
  virtual ~SqlJob() = default;

  Step step(pg::Connection& connection);
  virtual void end_stopped() = 0;  // it was asked to stop: tells the sink

  void stop() { stop_.request_stop(); }  // after the step that is running; any thread
  std::stop_token stop_token() const { return stop_.get_token(); }

  // Guarded by the handler's mutex: whether the step that is running shall be cancelled, and how.
  bool is_interrupted = false;
  std::optional<pg::Canceller> running;

 protected:
  virtual Step run(pg::Connection& connection) = 0;  // may throw pg::Error
  // The event that ran alone failed.
  virtual Step fail(pg::Connection& connection, const journal::Outcome& outcome) = 0;
  virtual bool ran_alone() const = 0;
  // After a connection was lost while an event ran alone: whether it was done all the same.
  virtual bool has_moved(pg::Connection& connection) = 0;  // may throw pg::Error
  virtual void narrow(bool is_transient) = 0;              // more than one event ran, and it failed
  virtual void suspect_all() = 0;  // more than one ran, and the connection was lost with them

  void came_forward();

  const journal::SqlStatement& statement() const { return statement_; }
  Sink& sink() const { return sink_; }

 private:
  Step failed(pg::Connection& connection, const pg::Error& error);
  Step lost(const pg::Error& error);

  const journal::SqlStatement& statement_;
  Sink& sink_;
  std::stop_source stop_;
  int transients_ = 0;    // in a row, of the same event
  int losses_ = 0;        // of the connection, in a row, while the same event ran alone
  bool has_run_ = false;  // in this step
  std::optional<journal::Outcome>
      verdict_;  // of the next event, to be written when connected again
};

class SqlShareJob : public SqlJob {
 public:
  SqlShareJob(journal::ShareRef share, Pace pace, const journal::SqlStatement& statement,
              Sink& sink)
      : SqlJob(statement, sink), share_(std::move(share)), pace_(pace) {}

  const journal::ShareRef& share() const { return share_; }
  const Pace& pace() const { return pace_; }
  void end_stopped() override { end(journal::ShareResult::k_more); }

 private:
  Step run(pg::Connection& connection) override;
  Step fail(pg::Connection& connection, const journal::Outcome& outcome) override;
  bool ran_alone() const override { return pace_.limit() == 1; }
  bool has_moved(pg::Connection& connection) override;
  void narrow(bool is_transient) override;
  void suspect_all() override { pace_.run_singly(); }
  Step go_on(journal::ShareResult result);
  void end(journal::ShareResult result, const std::string& unreachable = {}) {
    sink().share_ended({.share = share_,
                        .result = result,
                        .ran = ran_,
                        .failed = failed_,
                        .unreachable = unreachable});
  }

  journal::ShareRef share_;
  Pace pace_;
  int ran_ = 0;           // events, with success
  int failed_ = 0;        // events, which are deliveries now
  int out_of_reach_ = 0;  // events in a row that failed on the way to the handler
  std::optional<journal::Position>
      position_;  // of the share, before an event that runs again after a loss
};

class SqlDeliveryJob : public SqlJob {
 public:
  SqlDeliveryJob(std::uint64_t batch, std::uint32_t index, journal::NodeId node,
                 journal::FinishedRun run, const journal::SqlStatement& statement, Sink& sink)
      : SqlJob(statement, sink), batch_(batch), index_(index), node_(node), run_(std::move(run)) {}

  void end_stopped() override;

 private:
  Step run(pg::Connection& connection) override;
  Step fail(pg::Connection& connection, const journal::Outcome& outcome) override;
  bool ran_alone() const override { return true; }
  bool has_moved(pg::Connection& /*connection*/) override { return false; }  // its run says so
  void narrow(bool /*is_transient*/) override {}
  void suspect_all() override {}
  void end(journal::Outcome outcome);

  std::uint64_t batch_;
  std::uint32_t index_;
  journal::NodeId node_;
  journal::FinishedRun run_;
};

}  // namespace evd::handlers
