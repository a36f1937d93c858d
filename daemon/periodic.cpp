#include "daemon/periodic.hpp"

#include "common/pg/backoff.hpp"

namespace evd::daemon {
namespace {

constexpr Milliseconds k_first_pause{100};

}  // namespace

Periodic::Periodic(pg::ConnectOptions options, Milliseconds every, logging::Logger& logger,
                   std::function<void(pg::Connection&)> work,
                   std::function<void(const pg::Error&)> lost)
    : options_(std::move(options)),
      every_(every),
      logger_(logger),
      work_(std::move(work)),
      lost_(std::move(lost)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Periodic::~Periodic() {
  thread_.request_stop();
  wake_.notify_all();
}

void Periodic::run(const std::stop_token& stop) {
  // A heartbeat must be back long before its node looks dead.
  pg::ReconnectBackoff backoff(std::min(k_first_pause, every_), every_);
  while (!stop.stop_requested()) {
    try {
      pg::Connection connection = pg::Connection::open(options_);
      backoff.reset();
      work_until_lost(connection, stop);
    } catch (const pg::Error& error) {
      if (lost_) lost_(error);
      logger_.debug("periodic work lost its connection", {{"error", error.what()}});
      pause(stop, backoff.next());
    }
  }
}

void Periodic::work_until_lost(pg::Connection& connection, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      work_(connection);
    } catch (const pg::Error& error) {
      if (error.connection_lost()) throw;
      logger_.warn("periodic work failed; it is tried again", {{"error", error.what()}});
    }
    pause(stop, every_);
  }
}

void Periodic::pause(const std::stop_token& stop, Milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace evd::daemon
