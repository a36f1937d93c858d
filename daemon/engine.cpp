#include "daemon/engine.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

#include "common/base/host_name.hpp"
#include "common/base/text.hpp"
#include "common/base/version.hpp"
#include "common/handlers/factory.hpp"
#include "common/journal/session.hpp"
#include "common/pg/backoff.hpp"
#include "common/schema/apply.hpp"
#include "common/schema/check.hpp"

namespace evd::daemon {
namespace {

constexpr Milliseconds k_after_interrupt{10'000};  // for handlers to end once they are told to
constexpr Milliseconds k_listen_test{1'000};
constexpr Milliseconds k_outcomes_every{500};

// Whether a notification sent by a session reaches it: behind some poolers it never does.
bool hears_notifications(pg::Connection& connection) {
  connection.query("listen evd");
  connection.query("select pg_notify('evd', '')");
  return connection.wait_notification(k_listen_test);
}

}  // namespace

struct Engine::Session {
  explicit Session(const pg::ConnectOptions& options)
      : connection(pg::Connection::open(options)), journal(connection, options) {}

  pg::Connection connection;
  journal::PgJournal journal;
};

Engine::Engine(const Config& config, Control& control, Health& health, Service& service,
               logging::Logger& logger)
    : config_(config), control_(control), health_(health), service_(service), logger_(logger) {}

Engine::~Engine() {
  health_.is_connected = false;
  health_.node = 0;
}

void Engine::run() {
  pg::ReconnectBackoff backoff;
  bool was_told = false;
  while (!is_over()) {
    try {
      if (connect()) backoff.reset();
      was_told = false;
      run_session();
    } catch (const journal::NodeFenced& fenced) {
      logger_.warn("this node was taken over; it joins again as a new one", {{"node", node_}});
      node_ = 0;
      health_.node = 0;
    } catch (const pg::Error& error) {
      health_.is_connected = false;
      if (session_ && session_->connection.is_open()) {
        // Or a session that claims ahead was lost: what it took is given back.
        logger_.error("statement failed; it is tried again", {{"error", error.what()}});
      } else if (!was_told) {
        logger_.error("database is out of reach; evd goes on trying", {{"error", error.what()}});
        service_.status("waiting for the database");
        was_told = true;
      }
      session_.reset();
      service_.ready("waiting for the database");
      wait(clock_.now() + backoff.next());
    }
  }
  drain();
}

// A session, a place among the nodes, and what is held confirmed.
bool Engine::connect() {
  if (!session_) {
    session_ = std::make_unique<Session>(journal::session_options(config_, "evd"));
    const schema::SchemaStatus status =
        schema::check_log(session_->connection, config_.database.instance);
    if (schema::stamp_cluster(session_->connection, status))
      logger_.warn("the log is on another PostgreSQL cluster than before, as after an upgrade");
    if (!dispatcher_) first_connection(status.instance);
    const bool listens = hears_notifications(session_->connection);
    if (!listens)
      logger_.warn("notifications do not arrive, as behind a pooler: evd polls instead");
    sleeper_ ? sleeper_->reconnected(listens)
             : void(sleeper_ = std::make_unique<dispatch::Sleeper>(clock_, listens));
  }
  if (node_ == 0) {
    join(session_->journal);
  } else {
    dispatcher_->resume(session_->journal);
    health_.reconnects += 1;
    logger_.info("connected again", {{"node", node_}});
  }
  health_.is_connected = true;
  service_.ready("running");
  return true;
}

void Engine::first_connection(const std::string& instance) {
  if (config_.daemon.apply_at_start || !schema::has_routes(session_->connection)) {
    schema::apply(session_->connection, config_, {.prune = false, .actor = "evd"});
  }
  for (const std::string& difference : schema::drift(session_->connection, config_)) {
    logger_.warn("configuration differs from the database, which counts",
                 {{"difference", difference}});
  }
  handlers_ =
      handlers::make_handlers(config_, instance.empty() ? "evd" : instance, inbox_, logger_);
  dispatch::DispatcherOptions options;
  options.batch_size = config_.daemon.batch_size;
  options.spill_after = config_.daemon.spill_after;
  options.doubt_after = std::min(config_.daemon.spill_after, config_.recovery.node_timeout / 3);
  dispatcher_ = std::make_unique<dispatch::Dispatcher>(options, handlers_, inbox_, clock_, logger_);
}

void Engine::join(journal::Journal& journal) {
  node_ = journal.register_node({host_name(), "evd", k_version, dispatcher_->handler_names()});
  dispatcher_->start_over(journal, node_);
  health_.node = node_;
  logger_.info("ready",
               {{"node", node_}, {"handlers", evd::join(dispatcher_->handler_names(), " ")}});
}

void Engine::run_session() {
  while (!is_over()) turn();
}

void Engine::turn() {
  dispatcher_->set_claiming(sleeper_->may_claim());
  const bool worked = dispatcher_->step();
  if (dispatcher_->has_tried_claim()) sleeper_->claimed(session_->journal, claimed());
  if (dispatcher_->has_seen_unread()) sleeper_->noticed();
  if (dispatcher_->has_seen_alert()) health_.has_alert = true;
  publish();
  service_.alive();
  if (worked) return;
  wait(std::min(dispatcher_->next_step_at(), sleeper_->claim_at(dispatcher_->has_tried_claim())));
  if (session_->connection.consume_notifications()) {
    sleeper_->notified();
    dispatcher_->look_now();
  }
}

dispatch::Claimed Engine::claimed() const {
  if (!dispatcher_->has_taken_window()) return dispatch::Claimed::k_nothing;
  return dispatcher_->has_filled_window() ? dispatch::Claimed::k_full : dispatch::Claimed::k_some;
}

// Until then, or until a result, a notification or a signal.
void Engine::wait(Clock::TimePoint until) {
  const Clock::TimePoint now = clock_.now();
  until = std::min(until, now + service_.alive_every());
  const auto left =
      std::chrono::ceil<Milliseconds>(std::max(until - now, Clock::TimePoint::duration{0}));
  std::array<pollfd, 3> fds = {pollfd{control_.wake.fd(), POLLIN, 0},
                               pollfd{inbox_.fd(), POLLIN, 0},
                               pollfd{session_ ? session_->connection.socket() : -1, POLLIN, 0}};
  // Without a session nobody takes what handlers report.
  if (!session_) fds[1].fd = -1;
  poll(fds.data(), fds.size(), static_cast<int>(left.count()));
  if (fds[0].revents != 0) control_.wake.clear();
  service_.alive();
}

// Closes what is held, lets what runs end within stop_timeout, and gives back the rest.
void Engine::drain() {
  if (!dispatcher_) return;
  control_.stop ? service_.stopping() : service_.reloading();
  dispatcher_->stop_starting();
  const Clock::TimePoint deadline = clock_.now() + config_.daemon.stop_timeout;
  try {
    // Where the database was away before, one try is enough: nobody waits for it to come back.
    bool is_left = node_ == 0 || (!session_ && !connect_to_leave(clock_.now()));
    while (!is_left) is_left = leave(deadline) || !connect_to_leave(deadline);
  } catch (const journal::NodeFenced&) {
    logger_.warn("this node was taken over while it stopped", {{"node", node_}});
  }
}

// False: the connection was lost.
bool Engine::leave(Clock::TimePoint deadline) {
  try {
    if (!drain_until(deadline)) {
      logger_.info("what still runs is interrupted and given back");
      dispatcher_->interrupt();
      drain_until(clock_.now() + k_after_interrupt);
    }
    session_->journal.leave(node_);
    logger_.info("left", {{"node", node_}});
    return true;
  } catch (const pg::Error& error) {
    logger_.info("connection lost while stopping", {{"error", error.what()}});
    return false;
  }
}

// What has ended is worth writing down, or others will run it again. False: not in time.
bool Engine::connect_to_leave(Clock::TimePoint deadline) {
  pg::ReconnectBackoff backoff;
  for (;;) {
    try {
      session_ = std::make_unique<Session>(journal::session_options(config_, "evd"));
      dispatcher_->resume(session_->journal);
      return true;
    } catch (const pg::Error& error) {
      session_.reset();
      if (clock_.now() >= deadline || control_.interrupt) {
        logger_.warn("could not leave in order; what is held is taken over after node_timeout",
                     {{"error", error.what()}});
        return false;
      }
    }
    wait(std::min(deadline, clock_.now() + backoff.next()));
  }
}

bool Engine::drain_until(Clock::TimePoint deadline) {
  while (!dispatcher_->is_idle()) {
    if (dispatcher_->step()) continue;
    if (clock_.now() >= deadline || control_.interrupt.exchange(false)) return false;
    wait(std::min(deadline, clock_.now() + Milliseconds{20}));
    session_->connection.consume_notifications();  // unread, they would keep poll() from waiting
  }
  publish();
  return true;
}

void Engine::publish() {
  const dispatch::Counters& counters = dispatcher_->counters();
  health_.events_taken = counters.events_taken;
  health_.windows_closed = counters.windows_closed;
  if (clock_.now() < publish_outcomes_at_) return;
  publish_outcomes_at_ = clock_.now() + k_outcomes_every;
  health_.outcomes.set(dispatcher_->outcomes());
}

}  // namespace evd::daemon
