// One process of a worker handler: the events that it was given and has not answered, what is still
// to be written to it, and what it writes. Belongs to the handler's thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/handlers/child.hpp"
#include "common/handlers/handler.hpp"
#include "common/handlers/line_reader.hpp"
#include "common/handlers/output_tail.hpp"

namespace evd::handlers {

// An attempt on its way through a worker.
struct WorkerJob {
  std::uint64_t batch = 0;
  std::uint32_t index = 0;
  Attempt attempt;
  bool runs_alone = false;  // it was there when a process died: nothing runs beside it
  Clock::TimePoint deadline{};
};

class WorkerProcess {
 public:
  enum class End { k_by_itself, k_stuck, k_broken, k_stopped };  // why it ends, or has ended

  // Throws evd::Error where the program cannot be started.
  WorkerProcess(const Program& program, const std::vector<std::string>& environment);

  const Child& child() const { return child_; }
  Child& child() { return child_; }

  // --- what it has to do
  void give(WorkerJob job, std::string_view line);
  std::optional<WorkerJob> take(std::int64_t event_id);  // answered, or given up
  std::vector<WorkerJob> take_all();
  std::vector<WorkerJob> take_overdue(Clock::TimePoint now);
  Clock::TimePoint next_deadline() const {
    return jobs_.empty() ? Clock::TimePoint::max() : jobs_.front().deadline;
  }
  std::size_t load() const { return jobs_.size(); }
  bool may_take(const WorkerJob& job, std::size_t limit) const;

  // --- its pipes
  bool has_unwritten() const { return !unwritten_.empty(); }
  void write();  // as much as it takes now; one that reads no more is left to its end or timeout
  // Calls `on_line` for what has come. False: its end was reached.
  bool read_out(const LineReader::OnLine& on_line) { return read(child_.out, out_, on_line); }
  bool read_err(const LineReader::OnLine& on_line);
  // All that is left once it has ended; whoever it left behind may hold the pipes open.
  void read_rest(const LineReader::OnLine& on_out, const LineReader::OnLine& on_err);

  // --- its end
  void end(End why, Clock::TimePoint kill_at);  // SIGTERM, or for k_stopped the end of its stdin
  void press(Clock::TimePoint kill_at);         // it has not ended in time: the next harder signal
  bool is_ending() const { return end_ != End::k_by_itself; }
  End why() const { return end_; }
  Clock::TimePoint kill_at() const { return kill_at_; }
  std::string error_output() const { return err_tail_.text(); }

  bool has_answered = false;
  std::string broken;  // k_broken: what it wrote that cannot be understood

 private:
  static bool read(const UniqueFd& fd, LineReader& reader, const LineReader::OnLine& on_line);

  Child child_;
  std::deque<WorkerJob> jobs_;
  std::string unwritten_;
  LineReader out_;
  LineReader err_;
  OutputTail err_tail_;
  End end_ = End::k_by_itself;
  int pressed_ = 0;
  Clock::TimePoint kill_at_ = Clock::TimePoint::max();
};

}  // namespace evd::handlers
