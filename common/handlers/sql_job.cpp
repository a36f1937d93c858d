#include "common/handlers/sql_job.hpp"

#include <utility>

#include "common/handlers/sql_outcome.hpp"

namespace evd::handlers {

namespace {

// Tries of one event before bad luck is called its failure.
constexpr int k_transient_tries = 10;
constexpr int k_lost_tries = 3;

// An administrator ended the session or the server, another session crashed it, or this one was
// left waiting amid a transaction: no event had a part in that.
bool is_nobodys_fault(const pg::Error& error) {
  const std::string& state = error.sqlstate();
  return state == "57P01" || state == "57P02" || state == "25P03";
}

}  // namespace

SqlJob::Step SqlJob::step(pg::Connection& connection) {
  has_run_ = false;
  try {
    // Before each run that a loss can be counted of: otherwise the next event would pay for it.
    if (losses_ > 0 && has_moved(connection)) came_forward();
    has_run_ = !verdict_;
    if (!verdict_) return run(connection);
    const journal::Outcome outcome = *verdict_;
    verdict_.reset();
    return fail(connection, outcome);
  } catch (const pg::Error& error) {
    // Cancelled, or it failed at the same moment: nothing happened either way.
    if (stop_.stop_requested()) {
      end_stopped();
      return Step::k_ended;
    }
    return failed(connection, error);
  }
}

void SqlJob::came_forward() {
  transients_ = 0;
  losses_ = 0;
}

SqlJob::Step SqlJob::failed(pg::Connection& connection, const pg::Error& error) {
  if (error.connection_lost()) return lost(error);
  if (error.transient() && ++transients_ < k_transient_tries) {
    narrow(true);
    return Step::k_wait;
  }
  if (!ran_alone()) {
    narrow(false);
    return Step::k_again;
  }
  came_forward();
  try {
    return fail(connection, sql_outcome(error, statement_.timeout));
  } catch (const pg::Error&) {
    return Step::k_wait;  // it could not be written down: the event fails again first
  }
}

// One of the events that ran may have taken the connection with it: they run singly until it is
// found, and nobody else is charged. An event that does so each time that it runs alone must not
// hold up all others for ever.
SqlJob::Step SqlJob::lost(const pg::Error& error) {
  if (!has_run_ || is_nobodys_fault(error)) return Step::k_wait;
  if (!ran_alone()) {
    suspect_all();
  } else if (++losses_ >= k_lost_tries) {
    came_forward();
    verdict_ = journal::Outcome{.kind = journal::OutcomeKind::k_retry,
                                .error = "the connection was lost while it ran",
                                .retry_after = {}};
  }
  return Step::k_wait;
}

SqlJob::Step SqlShareJob::run(pg::Connection& connection) {
  const auto begin = std::chrono::steady_clock::now();
  const journal::BatchResult batch =
      journal::run_batch(connection, share_, statement(), pace_.limit());
  ran_ += batch.ran;
  if (batch.ran > 0) out_of_reach_ = 0;
  pace_.passed(std::chrono::steady_clock::now() - begin);
  return go_on(batch.result);
}

SqlJob::Step SqlShareJob::fail(pg::Connection& connection, const journal::Outcome& outcome) {
  const journal::ShareResult result =
      journal::fail_next(connection, share_, statement(), outcome, position_);
  ++failed_;
  // Where one failed the next may fail too, so it is found out with one.
  pace_.go_singly();
  out_of_reach_ = outcome.is_transport ? out_of_reach_ + 1 : 0;
  if (result == journal::ShareResult::k_more && out_of_reach_ >= k_out_of_reach_after) {
    end(result, outcome.error);
    return Step::k_ended;
  }
  return go_on(result);
}

bool SqlShareJob::has_moved(pg::Connection& connection) {
  const auto before =
      std::exchange(position_, journal::share_position(connection, share_, statement()));
  return before && position_ != before;
}

void SqlShareJob::narrow(bool is_transient) {
  if (is_transient) {
    pace_.go_singly();
  } else {
    pace_.failed();
  }
}

SqlJob::Step SqlShareJob::go_on(journal::ShareResult result) {
  came_forward();
  position_.reset();
  if (result == journal::ShareResult::k_more) return Step::k_again;
  end(result);
  return Step::k_ended;
}

void SqlDeliveryJob::end_stopped() { end(interrupted()); }

// A run that is the node's no more is as good as recorded: there is nothing to report.
SqlJob::Step SqlDeliveryJob::run(pg::Connection& connection) {
  journal::run_delivery(connection, node_, run_, statement());
  end({.kind = journal::OutcomeKind::k_done, .error = {}, .retry_after = {}, .is_recorded = true});
  return Step::k_ended;
}

SqlJob::Step SqlDeliveryJob::fail(pg::Connection& /*connection*/, const journal::Outcome& outcome) {
  end(outcome);
  return Step::k_ended;
}

void SqlDeliveryJob::end(journal::Outcome outcome) {
  sink().finished({Result{batch_, index_, std::move(outcome)}});
}

}  // namespace evd::handlers
