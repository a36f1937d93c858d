#include "common/handlers/exec_handler.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/handlers/environment.hpp"
#include "common/handlers/event_json.hpp"

namespace evd::handlers {

namespace {

constexpr std::uint64_t k_inbox = 0;  // no run's id
constexpr int k_events = 64;

std::uint64_t tag_of(std::uint64_t id, std::uint64_t stream) { return id * 4 + stream; }

}  // namespace

ExecHandler::ExecHandler(const HandlerConfig& config, std::string instance, Sink& sink,
                         Milliseconds grace)
    : name_(config.name),
      instance_(std::move(instance)),
      concurrency_(std::max(config.concurrency, 1)),
      max_attempts_(config.max_attempts),
      timeout_(config.timeout),
      grace_(grace),
      sink_(sink),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw Error("epoll: " + errno_text(errno));
  const auto variables = handler_environment(config);
  program_ = {.command = config.command, .cwd = config.cwd, .path = variables.at("PATH")};
  for (const auto& [key, value] : variables) environment_.push_back(key + "=" + value);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = k_inbox}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_.fd(), &event);
  thread_ = std::jthread([this] { loop(); });
}

ExecHandler::~ExecHandler() { inbox_.push({.kind = Order::Kind::k_stop}); }

void ExecHandler::start(Batch batch) {
  inbox_.push({.kind = Order::Kind::k_start, .batch = std::move(batch)});
}

void ExecHandler::interrupt() { inbox_.push({.kind = Order::Kind::k_interrupt}); }

void ExecHandler::loop() {
  block_signals();
  while (!is_stopping_ || !runs_.empty()) {
    wait_for_events();
    end_overdue();
    start_pending();
    deliver_results();
  }
}

void ExecHandler::take_orders() {
  for (Order& order : inbox_.drain()) {
    if (order.kind == Order::Kind::k_start) {
      std::uint32_t index = 0;
      for (Attempt& attempt : order.batch.attempts) {
        pending_.push_back({order.batch.id, index++, std::move(attempt)});
      }
    } else {
      is_stopping_ = is_stopping_ || order.kind == Order::Kind::k_stop;
      interrupt_all();
    }
  }
}

void ExecHandler::interrupt_all() {
  for (const Pending& pending : pending_) {
    report(pending.batch, pending.index, interrupted());
  }
  pending_.clear();
  for (auto& [id, run] : runs_) {
    if (run->end == ExecEnd::k_by_itself) terminate(*run, ExecEnd::k_interrupted);
  }
}

void ExecHandler::start_pending() {
  while (!pending_.empty() && runs_.size() < static_cast<std::size_t>(concurrency_)) {
    const Pending pending = std::move(pending_.front());
    pending_.pop_front();
    start_one(pending);
  }
}

void ExecHandler::start_one(const Pending& pending) {
  auto run = std::make_unique<Run>();
  run->batch = pending.batch;
  run->index = pending.index;
  append_event_json(run->input, pending.attempt, name_, instance_);
  run->input += '\n';
  run->unwritten = run->input;
  try {
    run->child = spawn(program_, environment(pending.attempt), run->unwritten);
  } catch (const Error& error) {
    report(pending.batch, pending.index,
           {.kind = journal::OutcomeKind::k_retry,
            .error = error.what(),
            .retry_after = {},
            .is_transport = true});
    return;
  }
  run->deadline = std::chrono::steady_clock::now() + timeout_;
  const std::uint64_t id = next_id_++;
  watch(id, Stream::k_pidfd, run->child.pidfd, EPOLLIN);
  watch(id, Stream::k_out, run->child.out, EPOLLIN);
  watch(id, Stream::k_err, run->child.err, EPOLLIN);
  if (run->child.in) watch(id, Stream::k_in, run->child.in, EPOLLOUT);
  runs_.emplace(id, std::move(run));
}

std::vector<std::string> ExecHandler::environment(const Attempt& attempt) const {
  std::vector<std::string> variables = environment_;
  variables.push_back("EVD_EVENT_ID=" + std::to_string(attempt.event->id));
  variables.push_back("EVD_EVENT_NAME=" + attempt.route->event_name);
  variables.push_back("EVD_ATTEMPT=" + std::to_string(attempt.number));
  variables.push_back("EVD_MAX_ATTEMPTS=" + std::to_string(attempt.max_attempts > 0
                                                               ? attempt.max_attempts
                                                               : max_attempts_));
  variables.push_back("EVD_IDEMPOTENCY_KEY=" + idempotency_key(attempt, name_, instance_));
  return variables;
}

void ExecHandler::watch(std::uint64_t id, Stream stream, const UniqueFd& fd, std::uint32_t events) {
  epoll_event event{.events = events,
                    .data = {.u64 = tag_of(id, static_cast<std::uint64_t>(stream))}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event);
}

void ExecHandler::terminate(Run& run, ExecEnd why) {
  run.end = why;
  run.deadline = std::chrono::steady_clock::now() + grace_;
  run.child.signal_group(SIGTERM);
}

void ExecHandler::end_overdue() {
  if (runs_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  for (auto& [id, run] : runs_) {
    if (now < run->deadline) continue;
    if (run->end == ExecEnd::k_by_itself) {
      terminate(*run, ExecEnd::k_timed_out);
    } else {
      run->child.signal_group(SIGKILL);
      run->deadline = TimePoint::max();
    }
  }
}

ExecHandler::TimePoint ExecHandler::wakes_at() const {
  auto first = TimePoint::max();
  for (const auto& [id, run] : runs_) first = std::min(first, run->deadline);
  return first;
}

void ExecHandler::wait_for_events() {
  std::array<epoll_event, k_events> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), k_events, wait_ms(wakes_at()));
  for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
}

void ExecHandler::handle(const epoll_event& event) {
  if (event.data.u64 == k_inbox) {
    take_orders();
    return;
  }
  const std::uint64_t id = event.data.u64 / 4;
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;  // ended by an event before this one
  Run& run = *found->second;
  switch (static_cast<Stream>(event.data.u64 % 4)) {
    case Stream::k_pidfd:
      finish(id, run);
      break;
    case Stream::k_in:
      write_input(run);
      break;
    case Stream::k_out:
      if (!read_output(run.child.out, run.out)) run.child.out.reset();
      break;
    case Stream::k_err:
      if (!read_output(run.child.err, run.err)) run.child.err.reset();
      break;
  }
}

// A program that does not read its stdin does nothing wrong.
void ExecHandler::write_input(Run& run) {
  const ssize_t written = ::write(run.child.in.get(), run.unwritten.data(), run.unwritten.size());
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (written > 0) run.unwritten.remove_prefix(static_cast<std::size_t>(written));
  if (written < 0 || run.unwritten.empty()) run.child.in.reset();
}

bool ExecHandler::read_output(const UniqueFd& fd, OutputTail& tail) {
  return read_available(fd, [&tail](std::string_view bytes) { tail.append(bytes); });
}

// The program has ended. What it left running may keep its output open, and is not waited for.
void ExecHandler::finish(std::uint64_t id, Run& run) {
  if (run.child.out) read_output(run.child.out, run.out);
  if (run.child.err) read_output(run.child.err, run.err);
  // An attempt that evd ended must leave nothing behind that runs beside the next one.
  if (run.end != ExecEnd::k_by_itself) run.child.signal_group(SIGKILL);
  const int status = run.child.reap();
  report(run.batch, run.index,
         exec_outcome({.end = run.end, .status = status, .timeout = timeout_}, run.out, run.err));
  runs_.erase(id);
}

void ExecHandler::report(std::uint64_t batch, std::uint32_t index, journal::Outcome outcome) {
  results_.push_back({batch, index, std::move(outcome)});
}

void ExecHandler::deliver_results() {
  if (!results_.empty()) sink_.finished(std::exchange(results_, {}));
}

}  // namespace evd::handlers
