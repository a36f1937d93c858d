#include "common/handlers/worker_handler.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/base/duration.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/handlers/environment.hpp"
#include "common/handlers/event_json.hpp"
#include "common/handlers/exec_outcome.hpp"

namespace evd::handlers {

namespace {

using End = WorkerProcess::End;
using journal::OutcomeKind;

constexpr std::uint64_t k_inbox = 0;  // no process's id
constexpr int k_events = 64;
constexpr std::size_t k_logged = 500;  // bytes of a line

std::uint64_t tag_of(std::uint64_t id, std::uint64_t stream) { return id * 4 + stream; }

journal::Outcome failure(const std::string& error, bool is_transport) {
  return {.kind = OutcomeKind::k_retry,
          .error = error,
          .retry_after = {},
          .is_transport = is_transport};
}

Clock::TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

WorkerHandler::WorkerHandler(const HandlerConfig& config, std::string instance, Sink& sink,
                             logging::Logger& logger, Milliseconds grace)
    : name_(config.name),
      instance_(std::move(instance)),
      concurrency_(std::max({config.concurrency, config.processes, 1})),
      processes_(static_cast<std::size_t>(std::max(config.processes, 1))),
      limit_((static_cast<std::size_t>(concurrency_) + processes_ - 1) / processes_),
      timeout_(config.timeout),
      grace_(grace),
      sink_(sink),
      logger_(logger),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw Error("epoll: " + errno_text(errno));
  const auto variables = handler_environment(config);
  program_ = {.command = config.command,
              .cwd = config.cwd,
              .path = variables.at("PATH"),
              .keeps_stdin = true};
  for (const auto& [key, value] : variables) environment_.push_back(key + "=" + value);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = k_inbox}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_.fd(), &event);
  thread_ = std::jthread([this] { loop(); });
}

WorkerHandler::~WorkerHandler() { inbox_.push({.kind = Order::Kind::k_stop}); }

void WorkerHandler::start(Batch batch) {
  inbox_.push({.kind = Order::Kind::k_start, .batch = std::move(batch)});
}

void WorkerHandler::interrupt() { inbox_.push({.kind = Order::Kind::k_interrupt}); }

void WorkerHandler::loop() {
  block_signals();
  while (!is_stopping_ || !running_.empty()) {
    wait_for_events();
    end_overdue();
    feed();
    deliver_results();
  }
}

void WorkerHandler::take_orders() {
  for (Order& order : inbox_.drain()) {
    if (order.kind == Order::Kind::k_start) {
      std::uint32_t index = 0;
      for (Attempt& attempt : order.batch.attempts) {
        const bool is_suspect = attempt.is_suspect;
        auto& queue = is_suspect ? suspects_ : pending_;
        queue.push_back({order.batch.id, index++, std::move(attempt), is_suspect, {}});
      }
    } else {
      stop_all(order.kind == Order::Kind::k_stop);
    }
  }
}

// Those with something to do are ended; the others only where all is over, and in their own time.
void WorkerHandler::stop_all(bool for_good) {
  is_stopping_ = is_stopping_ || for_good;
  for (auto* queue : {&suspects_, &pending_}) {
    for (const WorkerJob& job : *queue) report(job, interrupted());
    queue->clear();
  }
  for (auto& [id, process] : running_) {
    if (!process->is_ending() && (for_good || process->load() > 0))
      process->end(End::k_stopped, now() + grace_);
  }
}

// --- giving

void WorkerHandler::feed() {
  while (feed_from(suspects_)) {
  }
  while (feed_from(pending_)) {
  }
  for (const auto& [id, process] : running_) {
    if (!process->has_unwritten()) continue;
    process->write();
    watch_writes(id, *process);
  }
}

bool WorkerHandler::feed_from(std::deque<WorkerJob>& jobs) {
  if (jobs.empty()) return false;
  WorkerProcess* process = nullptr;
  try {
    process = process_for(jobs.front());
  } catch (const Error& error) {
    report(jobs.front(), failure(error.what(), true));
    jobs.pop_front();
    return true;
  }
  if (process == nullptr) return false;
  WorkerJob job = std::move(jobs.front());
  jobs.pop_front();
  give(*process, std::move(job));
  return true;
}

// The one with the least to do, or a new one while all have something. Null: none has room.
WorkerProcess* WorkerHandler::process_for(const WorkerJob& job) {
  WorkerProcess* best = nullptr;
  for (const auto& [id, process] : running_) {
    if (process->may_take(job, limit_) && (best == nullptr || process->load() < best->load()))
      best = process.get();
  }
  if (best != nullptr && best->load() == 0) return best;
  const bool may_start = running_.size() < processes_ && pace_.may_start(now());
  return may_start ? start_process() : best;
}

WorkerProcess* WorkerHandler::start_process() {
  auto process = std::make_unique<WorkerProcess>(program_, environment_);
  const std::uint64_t id = next_id_++;
  watch(id, Stream::k_pidfd, process->child().pidfd, EPOLLIN);
  watch(id, Stream::k_in, process->child().in, 0);
  watch(id, Stream::k_out, process->child().out, EPOLLIN);
  watch(id, Stream::k_err, process->child().err, EPOLLIN);
  return running_.emplace(id, std::move(process)).first->second.get();
}

void WorkerHandler::give(WorkerProcess& process, WorkerJob job) {
  line_.clear();
  append_event_json(line_, job.attempt, name_, instance_);
  line_ += '\n';
  job.deadline = now() + timeout_;
  process.give(std::move(job), line_);
}

// --- time

// Those that are stuck are reported at once. Their neighbours may still answer, and are run again
// when the process has ended.
void WorkerHandler::end_overdue() {
  const auto at = now();
  for (auto& [id, process] : running_) {
    for (const WorkerJob& job : process->take_overdue(at)) {
      report(job, failure("timed out after " + format_duration(timeout_), true));
      if (!process->is_ending()) process->end(End::k_stuck, at + grace_);
    }
    if (process->is_ending() && at >= process->kill_at()) process->press(at + grace_);
  }
}

Clock::TimePoint WorkerHandler::wakes_at() const {
  auto first = Clock::TimePoint::max();
  for (const auto& [id, process] : running_) {
    first = std::min({first, process->next_deadline(), process->kill_at()});
  }
  const bool may_start_later = running_.size() < processes_ && !pace_.may_start(now());
  if (may_start_later && !(pending_.empty() && suspects_.empty()))
    first = std::min(first, pace_.next_at());
  return first;
}

// --- what the processes do

void WorkerHandler::watch(std::uint64_t id, Stream stream, const UniqueFd& fd,
                          std::uint32_t events) {
  epoll_event event{.events = events,
                    .data = {.u64 = tag_of(id, static_cast<std::uint64_t>(stream))}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event);
}

void WorkerHandler::watch_writes(std::uint64_t id, const WorkerProcess& process) {
  if (!process.child().in) return;
  const std::uint32_t events = process.has_unwritten() ? std::uint32_t{EPOLLOUT} : 0;
  epoll_event event{.events = events,
                    .data = {.u64 = tag_of(id, static_cast<std::uint64_t>(Stream::k_in))}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, process.child().in.get(), &event);
}

void WorkerHandler::wait_for_events() {
  std::array<epoll_event, k_events> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), k_events, wait_ms(wakes_at()));
  for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
}

void WorkerHandler::handle(const epoll_event& event) {
  if (event.data.u64 == k_inbox) {
    take_orders();
    return;
  }
  const std::uint64_t id = event.data.u64 / 4;
  const auto found = running_.find(id);
  if (found == running_.end()) return;  // ended by an event before this one
  WorkerProcess& process = *found->second;
  switch (static_cast<Stream>(event.data.u64 % 4)) {
    case Stream::k_pidfd:
      ended(id, process);
      break;
    case Stream::k_in:
      process.write();
      // It reads no more, which would be told again and again.
      if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) process.child().in.reset();
      watch_writes(id, process);
      break;
    case Stream::k_out:
      if (!process.read_out(on_out(process))) process.child().out.reset();
      break;
    case Stream::k_err:
      if (!process.read_err(on_err())) process.child().err.reset();
      break;
  }
}

LineReader::OnLine WorkerHandler::on_out(WorkerProcess& process) {
  return [this, &process](std::string_view line, bool is_cut) { take_line(process, line, is_cut); };
}

LineReader::OnLine WorkerHandler::on_err() {
  return [this](std::string_view line, bool /*is_cut*/) {
    logger_.info("worker wrote", {{"handler", name_}, {"stderr", truncate_utf8(line, k_logged)}});
  };
}

void WorkerHandler::take_line(WorkerProcess& process, std::string_view line, bool is_cut) {
  if (!is_reply(line)) {
    if (!line.empty())
      logger_.info("worker wrote", {{"handler", name_}, {"stdout", truncate_utf8(line, k_logged)}});
    return;
  }
  if (is_cut) {
    refuse_reply(process, "the worker's reply is longer than a line may be (1 MiB)");
    return;
  }
  auto reply = parse_reply(line);
  if (const auto* why = std::get_if<std::string>(&reply)) {
    refuse_reply(process, *why);
  } else {
    take_reply(process, std::get<WorkerReply>(reply));
  }
}

// What it no longer has, as after a timeout, it may still answer: that is too late.
void WorkerHandler::take_reply(WorkerProcess& process, const WorkerReply& reply) {
  if (reply.handler != name_) {
    refuse_reply(process, "the worker's reply names another handler: " + reply.handler);
    return;
  }
  const auto job = process.take(reply.event_id);
  if (!job) return;
  process.has_answered = true;
  report(*job, reply.outcome);
}

// Whose answer it was meant to be cannot be known but of an event that is alone: so this ends the
// process, and what was with it is run again like that.
void WorkerHandler::refuse_reply(WorkerProcess& process, const std::string& why) {
  logger_.warn("worker's reply is refused", {{"handler", name_}, {"why", why}});
  if (process.is_ending()) return;
  process.broken = why;
  process.end(End::k_broken, now() + grace_);
}

void WorkerHandler::ended(std::uint64_t id, WorkerProcess& process) {
  process.read_rest(on_out(process), on_err());
  if (process.is_ending()) process.child().signal_group(SIGKILL);  // nothing may run on beside it
  const std::string how = describe_status(process.child().reap());
  if (process.why() == End::k_by_itself) {
    pace_.died(now(), process.has_answered);
    logger_.warn("worker ended", {{"handler", name_}, {"how", how}});
  }
  const std::string said = process.error_output();
  settle(process, process.why() == End::k_broken
                      ? process.broken
                      : "the worker ended: " + how + (said.empty() ? "" : ": " + said));
  running_.erase(id);
}

// What it left unanswered.
void WorkerHandler::settle(WorkerProcess& process, const std::string& error) {
  const std::vector<WorkerJob> jobs = process.take_all();
  const bool is_to_blame = jobs.size() == 1;
  for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
    if (is_stopping_ || process.why() == End::k_stopped) {
      report(*job, interrupted());
    } else if (process.why() == End::k_stuck) {
      pending_.push_front(*job);
    } else if (is_to_blame) {
      report(*job, failure(error, !process.has_answered && process.why() == End::k_by_itself));
    } else {
      suspects_.push_front(*job);
      suspects_.front().runs_alone = true;
    }
  }
}

// --- results

void WorkerHandler::report(const WorkerJob& job, journal::Outcome outcome) {
  results_.push_back({job.batch, job.index, std::move(outcome)});
}

void WorkerHandler::deliver_results() {
  if (!results_.empty()) sink_.finished(std::exchange(results_, {}));
}

}  // namespace evd::handlers
