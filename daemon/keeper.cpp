#include "daemon/keeper.hpp"

#include <algorithm>
#include <utility>

#include "common/alert/pg_outbox.hpp"
#include "common/alert/sender.hpp"
#include "common/base/host_name.hpp"
#include "common/journal/pg_journal.hpp"
#include "common/journal/session.hpp"
#include "common/schema/apply.hpp"

namespace evd::daemon {
namespace {

// How soon an alert that waits is looked for.
constexpr Milliseconds k_alerts_every{2'000};
// And how soon without having been told that one waits.
constexpr Milliseconds k_alerts_at_last{60'000};
constexpr Milliseconds k_drift_every{60'000};

}  // namespace

Keeper::Keeper(const Config& config, Health& health, const UntrackedSlot& untracked,
               logging::Logger& logger)
    : config_(config),
      health_(health),
      untracked_(untracked),
      logger_(logger),
      channels_(alert::make_channels(config, logger)),
      direct_(config.daemon.state_dir, logger),
      pass_(config.recovery, clock_, logger),
      next_pass_(clock_.now()),
      next_send_(clock_.now()),
      next_drift_(clock_.now()),
      heartbeat_(
          journal::session_options(config, "evd heartbeat"),
          recovery::heartbeat_every(config.recovery.node_timeout), logger,
          [this](pg::Connection& connection) { beat(connection); },
          [this](const pg::Error&) { health_.is_beating = false; }),
      recovery_(
          journal::session_options(config, "evd recovery"),
          std::min(config.recovery.every, k_alerts_every), logger,
          [this](pg::Connection& connection) { make_pass(connection); },
          [this](const pg::Error& error) { database_lost(error); }) {}

Keeper::~Keeper() { health_.is_beating = false; }

void Keeper::beat(pg::Connection& connection) {
  const journal::NodeId node = health_.node;
  health_.is_beating = node == 0 || journal::PgJournal(connection).heartbeat(node);
}

void Keeper::make_pass(pg::Connection& connection) {
  if (health_.node == 0) return;  // the schema is not checked yet
  direct_.clear(config_, channels_, "database_away");
  direct_.clear(config_, channels_, alert::k_unfit_schema);
  journal::PgJournal journal(connection);
  // Only where events came in: an idle installation costs next to nothing.
  if (const std::int64_t taken = health_.events_taken; std::exchange(summarized_, taken) != taken) {
    pass_.summarize(journal);
  }
  tell_lost(connection);
  const bool is_pass_due = clock_.now() >= next_pass_;
  if (is_pass_due) {
    next_pass_ = clock_.now() + config_.recovery.every;
    recovery::PassCounts counts;
    pass_.free_dead(journal, counts);
    pass_.note_late(journal, counts);
    pass_.maintain(journal);
    check_drift(connection);
    health_.installation.set(connection.query("select evd.metrics()::text").string(0, 0));
  }
  if (health_.has_alert.exchange(false) || clock_.now() >= next_send_) {
    next_send_ = clock_.now() + k_alerts_at_last;
    alert::PgOutbox outbox(connection);
    alert::Sender(outbox, channels_, logger_, clock_).send_due(config_);
  }
  if (is_pass_due) pass_.say_complete();
}

// What failed and is in no log.
void Keeper::tell_lost(pg::Connection& connection) {
  const auto untracked = untracked_.get();
  if (!untracked) return;
  std::vector<dispatch::LostPair> lost = untracked->take_lost();
  try {
    for (; !lost.empty(); lost.pop_back()) {
      const auto& [event_name, handler, error] = lost.back();
      connection.query("select evd.tell_lost($1, $2, $3)",
                       pg::params(event_name, handler,
                                  error + "; the event is kept in " + config_.daemon.state_dir +
                                      "/lost, for evctl emit --file"));
      health_.has_alert = true;
    }
  } catch (const pg::Error&) {
    untracked->put_back(std::move(lost));
    throw;
  }
}

void Keeper::check_drift(pg::Connection& connection) {
  if (clock_.now() < next_drift_) return;
  next_drift_ = clock_.now() + k_drift_every;
  // The file, too: one evd must not end what another on this host has told.
  schema::note_drift(connection, config_, "(evd on " + host_name() + ", " + config_.path + ")");
}

void Keeper::database_lost(const pg::Error& error) {
  direct_.raise(config_, channels_, "database_away", error.what());
}

}  // namespace evd::daemon
