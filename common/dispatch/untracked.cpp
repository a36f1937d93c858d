#include "common/dispatch/untracked.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iterator>

#include "common/base/random.hpp"
#include "common/base/text.hpp"
#include "common/base/unique_fd.hpp"

namespace evd::dispatch {
namespace {

constexpr std::int64_t k_max_pending = 20'000;  // pairs
constexpr std::size_t k_max_told = 1'000;       // of one call of take_lost()
constexpr int k_tick_ms = 50;                   // while it stops

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// "2026-01-02", UTC.
std::string today() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 16> text{};
  strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

bool is_untracked(const Config& config, const std::string& event_name) {
  const auto event = config.events.find(event_name);
  return event != config.events.end() && event->second.reliability != Reliability::k_tracked;
}

}  // namespace

Untracked::Untracked(const Config& config, const std::function<MakeHandlers>& make,
                     logging::Logger& logger)
    : config_(config), logger_(logger) {
  // Only what these events expect: a worker that never gets one need not run.
  Config wanted = config;
  std::erase_if(wanted.handlers, [&](const auto& entry) {
    return std::none_of(config.events.begin(), config.events.end(), [&](const auto& event) {
      const auto& expected = event.second.handlers;
      return is_untracked(config, event.first) &&
             std::find(expected.begin(), expected.end(), entry.first) != expected.end();
    });
  });
  has_any_ = std::any_of(config.events.begin(), config.events.end(),
                         [&](const auto& event) { return is_untracked(config, event.first); });
  if (!wanted.handlers.empty()) {
    for (auto& [name, handler] : make(wanted, inbox_)) hosts_[name].handler = std::move(handler);
  }
  thread_ = std::thread([this] { run(); });
}

Untracked::~Untracked() {
  is_stopping_ = true;
  stop_.signal();
  thread_.join();
}

bool Untracked::runs(const std::string& event_name) const {
  return has_any_ && is_untracked(config_, event_name);
}

bool Untracked::submit(std::vector<UntrackedEvent> events) {
  std::int64_t pairs = 0;
  for (const UntrackedEvent& event : events)
    pairs += static_cast<std::int64_t>(config_.events.at(event.name).handlers.size());
  if (is_stopping_ || pending_ + pairs > k_max_pending) return false;
  pending_ += pairs;
  for (UntrackedEvent& event : events) incoming_.push(std::move(event));
  return true;
}

std::vector<LostPair> Untracked::take_lost() {
  const std::lock_guard lock(mutex_);
  return std::exchange(lost_, {});
}

void Untracked::put_back(std::vector<LostPair> lost) {
  const std::lock_guard lock(mutex_);
  lost_.insert(lost_.end(), std::make_move_iterator(lost.begin()),
               std::make_move_iterator(lost.end()));
}

void Untracked::run() {
  std::optional<std::chrono::steady_clock::time_point> give_up;
  while (!is_stopping_ || pending_ > 0) {
    std::array<pollfd, 3> fds = {pollfd{incoming_.fd(), POLLIN, 0}, pollfd{inbox_.fd(), POLLIN, 0},
                                 pollfd{is_stopping_ ? -1 : stop_.fd(), POLLIN, 0}};
    poll(fds.data(), fds.size(), is_stopping_ ? k_tick_ms : -1);
    for (UntrackedEvent& event : incoming_.drain()) take_in(std::move(event));
    take_results();
    for (auto& [name, host] : hosts_) feed(name, host);
    if (!is_stopping_) continue;
    const auto now = std::chrono::steady_clock::now();
    if (!give_up) give_up = now + config_.daemon.stop_timeout;
    if (now < *give_up) continue;
    // Once interrupted they come back as handed back, which is a failure here.
    for (auto& [name, host] : hosts_) host.handler->interrupt();
    give_up = now + config_.daemon.stop_timeout;
  }
}

void Untracked::take_in(UntrackedEvent event) {
  const EventConfig& config = config_.events.at(event.name);
  auto written = std::make_shared<journal::Event>();
  written->id = random_token();
  written->created_at_us = now_us();
  written->args = std::move(event.args);
  written->key = std::move(event.key);
  written->headers = std::move(event.headers);
  const Work work{written,
                  std::make_shared<journal::Route>(journal::Route{0, event.name, config.handlers}),
                  std::make_shared<const std::string>(std::move(event.text))};
  for (const std::string& handler : config.handlers) {
    const auto host = hosts_.find(handler);
    if (host != hosts_.end()) {
      host->second.waiting.push_back(work);
    } else {
      ended(work, handler,
            {.kind = journal::OutcomeKind::k_failed,
             .error = "it is not hosted on this machine",
             .retry_after = {}});
    }
  }
}

void Untracked::feed(const std::string& name, Host& host) {
  while (!host.waiting.empty() && host.running < host.handler->capacity()) {
    const Work work = std::move(host.waiting.front());
    host.waiting.pop_front();
    handlers::Batch batch{next_batch_++, 0, false, {}};
    handlers::Attempt attempt;
    attempt.event = work.event;
    attempt.route = work.route;
    attempt.max_attempts = 1;
    batch.attempts.push_back(std::move(attempt));
    running_[batch.id] = {name, work};
    ++host.running;
    host.handler->start(std::move(batch));
  }
}

void Untracked::take_results() {
  for (const Inbox::Message& message : inbox_.drain()) {
    const auto* results = std::get_if<std::vector<handlers::Result>>(&message);
    if (results == nullptr) continue;
    for (const handlers::Result& result : *results) {
      const auto found = running_.find(result.batch);
      if (found == running_.end()) continue;
      --hosts_.at(found->second.handler).running;
      ended(found->second.work, found->second.handler, result.outcome);
      running_.erase(found);
    }
  }
}

void Untracked::ended(const Work& work, const std::string& handler,
                      const journal::Outcome& outcome) {
  --pending_;
  if (outcome.kind == journal::OutcomeKind::k_done) return;
  ++failed_;
  const std::string& name = work.route->event_name;
  if (config_.events.at(name).reliability != Reliability::k_alert) return;
  keep(*work.text);
  logger_.warn("an event that is not tracked failed, and is kept",
               {{"event", name}, {"handler", handler}, {"error", outcome.error}});
  const std::lock_guard lock(mutex_);
  if (lost_.size() < k_max_told) lost_.push_back({name, handler, outcome.error});
}

// On the disk before anybody is told where it is.
void Untracked::keep(const std::string& text) {
  const auto directory = std::filesystem::path(config_.daemon.state_dir) / "lost";
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  const auto path = directory / (today() + ".ndjson");
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  std::string line = text;
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';  // white space between tokens: strings have it escaped
  }
  line += '\n';
  const bool is_kept =
      file && ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
      ::fdatasync(file.get()) == 0;
  if (!is_kept)
    logger_.error("an event that is not tracked failed, and could not be kept",
                  {{"path", path.string()}, {"error", errno_text(errno)}});
}

}  // namespace evd::dispatch
