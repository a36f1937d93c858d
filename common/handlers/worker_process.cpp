#include "common/handlers/worker_process.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/handlers/exec_outcome.hpp"

namespace evd::handlers {

namespace {

constexpr std::size_t k_longest_line = 1'048'576;
constexpr std::size_t k_longest_error_line = 4'096;

Child start(const Program& program, const std::vector<std::string>& environment) {
  std::string_view nothing;
  return spawn(program, environment, nothing);
}

}  // namespace

WorkerProcess::WorkerProcess(const Program& program, const std::vector<std::string>& environment)
    : child_(start(program, environment)),
      out_(k_longest_line),
      err_(k_longest_error_line),
      err_tail_(k_stderr_kept) {}

void WorkerProcess::give(WorkerJob job, std::string_view line) {
  jobs_.push_back(std::move(job));
  unwritten_ += line;
}

std::optional<WorkerJob> WorkerProcess::take(std::int64_t event_id) {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const WorkerJob& job) {
    return job.attempt.event->id == event_id;
  });
  if (found == jobs_.end()) return std::nullopt;
  WorkerJob job = std::move(*found);
  jobs_.erase(found);
  return job;
}

std::vector<WorkerJob> WorkerProcess::take_all() {
  std::vector<WorkerJob> jobs(std::make_move_iterator(jobs_.begin()),
                              std::make_move_iterator(jobs_.end()));
  jobs_.clear();
  return jobs;
}

// They were given in the order of their deadlines.
std::vector<WorkerJob> WorkerProcess::take_overdue(Clock::TimePoint now) {
  std::vector<WorkerJob> overdue;
  while (!jobs_.empty() && jobs_.front().deadline <= now) {
    overdue.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
  }
  return overdue;
}

bool WorkerProcess::may_take(const WorkerJob& job, std::size_t limit) const {
  if (is_ending()) return false;
  if (jobs_.empty()) return true;
  return !job.runs_alone && !jobs_.front().runs_alone && jobs_.size() < limit;
}

void WorkerProcess::write() {
  std::size_t written = 0;
  while (child_.in && written < unwritten_.size()) {
    const ssize_t count =
        ::write(child_.in.get(), unwritten_.data() + written, unwritten_.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) child_.in.reset();
    if (count > 0) written += static_cast<std::size_t>(count);
  }
  unwritten_.erase(0, child_.in ? written : unwritten_.size());
}

bool WorkerProcess::read_err(const LineReader::OnLine& on_line) {
  return read(child_.err, err_, [&](std::string_view line, bool is_cut) {
    err_tail_.append(line);
    err_tail_.append("\n");
    on_line(line, is_cut);
  });
}

bool WorkerProcess::read(const UniqueFd& fd, LineReader& reader,
                         const LineReader::OnLine& on_line) {
  return read_available(fd, [&](std::string_view bytes) { reader.append(bytes, on_line); });
}

void WorkerProcess::read_rest(const LineReader::OnLine& on_out, const LineReader::OnLine& on_err) {
  if (child_.out) read_out(on_out);
  if (child_.err) read_err(on_err);
  out_.finish(on_out);
  err_.finish([&](std::string_view line, bool is_cut) {
    err_tail_.append(line);
    on_err(line, is_cut);
  });
}

void WorkerProcess::end(End why, Clock::TimePoint kill_at) {
  end_ = why;
  kill_at_ = kill_at;
  if (why == End::k_stopped && jobs_.empty()) {
    child_.in.reset();
  } else {
    ++pressed_;
    child_.signal_group(SIGTERM);
  }
}

void WorkerProcess::press(Clock::TimePoint kill_at) {
  kill_at_ = ++pressed_ == 1 ? kill_at : Clock::TimePoint::max();
  child_.signal_group(pressed_ == 1 ? SIGTERM : SIGKILL);
}

}  // namespace evd::handlers
