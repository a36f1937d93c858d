#include "cli/evrecover/pass_run.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/alert/pg_outbox.hpp"
#include "common/alert/sender.hpp"
#include "common/base/duration.hpp"
#include "common/base/host_name.hpp"
#include "common/base/version.hpp"
#include "common/handlers/factory.hpp"
#include "common/ingest/write.hpp"
#include "common/journal/session.hpp"

namespace evd::evrecover {
namespace {

constexpr Milliseconds k_precedence{30'000};  // for a living evd to run what it hosts
constexpr Milliseconds k_tick{200};           // while it waits for something to become due
constexpr Milliseconds k_grace{10'000};       // for handlers to end once they are told to

dispatch::DispatcherOptions dispatcher_options(const Config& config, const Options& pass) {
  dispatch::DispatcherOptions options;
  options.batch_size = config.daemon.batch_size;
  options.spill_after = config.daemon.spill_after;
  options.poll_every = k_tick;
  options.is_cron = true;
  options.precedence = k_precedence;
  if (pass.limit > 0) options.ahead = 0;  // what was claimed would count, and be put off
  return options;
}

Milliseconds smallest_deadline(const Config& config) {
  Milliseconds smallest = config.defaults.deadline;
  for (const auto& [name, event] : config.events) smallest = std::min(smallest, event.deadline);
  return smallest;
}

Milliseconds longest_timeout(const Config& config) {
  Milliseconds longest{0};
  for (const auto& [name, handler] : config.handlers) longest = std::max(longest, handler.timeout);
  return longest;
}

}  // namespace

PassRun::PassRun(const Config& config, const Options& options, pg::Connection& connection,
                 const std::string& instance, StopSignals& signals, logging::Logger& logger)
    : config_(config),
      options_(options),
      connection_(connection),
      journal_(connection, journal::session_options(config, "evrecover")),
      signals_(signals),
      logger_(logger),
      handlers_(handlers::make_handlers(config, instance, inbox_, logger)),
      dispatcher_(dispatcher_options(config, options), handlers_, inbox_, clock_, logger),
      pass_(config.recovery, clock_, logger),
      started_at_(clock_.now()),
      deadline_(started_at_ + options.max_runtime.value_or(config.recovery.max_runtime)),
      beat_at_(started_at_) {}

PassRun::~PassRun() = default;

Report PassRun::run() {
  drain_spool();
  pass_.free_dead(journal_, counts_);
  node_ =
      journal_.register_node({host_name(), "evrecover", k_version, dispatcher_.handler_names()});
  dispatcher_.start_over(journal_, node_);
  dispatcher_.set_claiming(nobody_reads());
  run_handlers();
  drain();
  pass_.note_late(journal_, counts_);
  pass_.maintain(journal_);
  pass_.summarize(journal_);
  const dispatch::Counters& done = dispatcher_.counters();
  Report report;
  report.taken = done.events_taken;
  report.taken_over = counts_.taken_over;
  report.timed_out = counts_.timed_out;
  report.retried = done.retried;
  for (const auto& [name, outcomes] : dispatcher_.outcomes()) {
    report.succeeded += outcomes.done;
    report.failed += outcomes.retry + outcomes.failed;
  }
  report.escalated = journal_.escalated_by(node_);
  report.alerts_sent = send_alerts();
  journal_.leave(node_);
  if (!signals_.arrived()) pass_.say_complete();
  report.duration = std::chrono::duration_cast<Milliseconds>(clock_.now() - started_at_);
  return report;
}

// Where an evd lives it reads the log, unless it falls behind the deadlines; else this pass does.
bool PassRun::nobody_reads() {
  const std::optional<Milliseconds> unread = journal_.unread_age();
  if (!unread)
    return options_.until_idle && !journal_.has_living_daemon(config_.recovery.node_timeout);
  return *unread > smallest_deadline(config_) ||
         !journal_.has_living_daemon(config_.recovery.node_timeout);
}

// What an evd that is gone had taken in while the database was away.
void PassRun::drain_spool() {
  const auto directory = std::filesystem::path(config_.daemon.state_dir) / "spool";
  std::error_code ignored;
  if (!std::filesystem::exists(directory / "spool", ignored)) return;
  try {
    auto spool = ingest::Spool::open(directory, config_.daemon.spool_max);
    if (!spool || spool->is_empty()) return;
    logger_.info("drained the spool", {{"events", ingest::drain(*spool, connection_)}});
  } catch (const pg::Error&) {
    throw;
  } catch (const Error& error) {
    logger_.error("the spool cannot be drained", {{"error", error.what()}});
  }
}

void PassRun::run_handlers() {
  while (!is_over()) {
    if (!turn() && !wait_for_more()) return;
  }
}

bool PassRun::is_over() const {
  const dispatch::Counters& counters = dispatcher_.counters();
  return clock_.now() >= deadline_ || signals_.arrived() ||
         (options_.limit > 0 && counters.events_taken + counters.retried >= options_.limit);
}

bool PassRun::turn() {
  beat();
  if (dispatcher_.step()) return true;
  if (dispatcher_.is_idle()) return false;
  wait(std::min(deadline_, dispatcher_.next_step_at()));
  return true;
}

bool PassRun::wait_for_more() {
  const std::optional<Clock::TimePoint> suspect = pass_.watch().next_look_at();
  if (suspect) {
    // What a dead node holds is worth waiting for, as long as this pass may run.
    if (*suspect >= deadline_) return false;
    wait(std::min(*suspect, clock_.now() + k_tick));
    pass_.free_dead(journal_, counts_);
  } else if (options_.until_idle && journal_.has_outstanding()) {
    wait(clock_.now() + k_tick);
    pass_.free_dead(journal_, counts_);  // a node may have died only just before, or since
    dispatcher_.set_claiming(nobody_reads());
  } else {
    return false;
  }
  dispatcher_.look_now();
  return true;
}

void PassRun::wait(Clock::TimePoint until) {
  const Clock::TimePoint now = clock_.now();
  until = std::min(until, now + recovery::heartbeat_every(config_.recovery.node_timeout));
  const auto left =
      std::chrono::ceil<Milliseconds>(std::max(until - now, Clock::TimePoint::duration{0}));
  std::array<pollfd, 2> fds = {pollfd{inbox_.fd(), POLLIN, 0}, pollfd{signals_.fd(), POLLIN, 0}};
  poll(fds.data(), fds.size(), static_cast<int>(left.count()));
}

// In this thread, which never waits for a handler.
void PassRun::beat() {
  if (clock_.now() < beat_at_) return;
  beat_at_ = clock_.now() + recovery::heartbeat_every(config_.recovery.node_timeout);
  if (!journal_.heartbeat(node_))
    throw journal::NodeFenced("this evrecover was taken over while it ran");
}

// What runs may end; nothing new starts.
void PassRun::drain() {
  dispatcher_.stop_starting();
  Clock::TimePoint give_up = clock_.now() + longest_timeout(config_) + k_grace;
  bool is_interrupted = false;
  while (!dispatcher_.is_idle() && clock_.now() < give_up) {
    if (signals_.arrived() && !is_interrupted) {
      is_interrupted = true;
      dispatcher_.interrupt();
      give_up = clock_.now() + k_grace;
    }
    beat();
    if (!dispatcher_.step()) wait(clock_.now() + k_tick);
  }
}

int PassRun::send_alerts() {
  alert::Channels channels = alert::make_channels(config_, logger_);
  alert::PgOutbox outbox(connection_);
  return alert::Sender(outbox, channels, logger_, clock_)
      .send_due(config_, {.wait_for_group = false});
}

void PassRun::print_dry_run(const Config& config, pg::Connection& connection, bool json) {
  journal::PgJournal journal(connection);
  std::vector<std::string> names;
  for (const auto& [name, handler] : config.handlers) {
    if (config.hosts_handler(name)) names.push_back(name);
  }
  nlohmann::ordered_json found;
  found["stale_nodes"] = journal.stale_nodes(config.recovery.node_timeout).size();
  const std::optional<Milliseconds> unread = journal.unread_age();
  found["oldest_unread_ms"] =
      unread ? nlohmann::ordered_json(unread->count()) : nlohmann::ordered_json(nullptr);
  found["evd_lives"] = journal.has_living_daemon(config.recovery.node_timeout);
  found["due"] = nlohmann::ordered_json::array();
  const journal::PollResult poll = journal.poll(0, {names, true, k_precedence});
  for (const journal::HandlerState& state : poll.handlers) {
    if ((state.has_part || state.has_delivery) && !state.is_paused && !state.is_broken)
      found["due"].push_back(state.handler);
  }
  if (json) {
    std::cout << found.dump() << "\n";
    return;
  }
  std::cout << "stale nodes: " << found["stale_nodes"]
            << "\nunread: " << (unread ? "since " + format_duration(*unread) : "nothing")
            << "\nevd lives: " << (found["evd_lives"].get<bool>() ? "yes" : "no")
            << "\nhandlers with work that is due:";
  for (const auto& name : found["due"]) std::cout << " " << name.get<std::string>();
  std::cout << (found["due"].empty() ? " none\n" : "\n");
}

}  // namespace evd::evrecover
