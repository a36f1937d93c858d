// Runs a program for each attempt: the event on stdin, the outcome from the exit status. One thread
// starts the children and waits for all of them; it alone touches what is private below but for the
// inbox. A child's output is read as fast as it comes and only its end is kept.
#pragma once

#include <sys/epoll.h>

#include <deque>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/mailbox.hpp"
#include "common/base/unique_fd.hpp"
#include "common/config/handler_config.hpp"
#include "common/handlers/child.hpp"
#include "common/handlers/exec_outcome.hpp"
#include "common/handlers/order.hpp"

namespace evd::handlers {

class ExecHandler : public Handler {
 public:
  // `grace`: between the SIGTERM and the SIGKILL that end an attempt.
  ExecHandler(const HandlerConfig& config, std::string instance, Sink& sink,
              Milliseconds grace = std::chrono::seconds{5});
  ~ExecHandler() override;  // takes up to `grace`

  const std::string& name() const override { return name_; }
  int capacity() const override { return concurrency_; }
  void start(Batch batch) override;
  void interrupt() override;

 private:
  using TimePoint = Clock::TimePoint;
  enum class Stream : std::uint64_t { k_pidfd, k_in, k_out, k_err };

  struct Pending {
    std::uint64_t batch = 0;
    std::uint32_t index = 0;
    Attempt attempt;
  };

  struct Run {
    Child child;
    std::uint64_t batch = 0;
    std::uint32_t index = 0;
    std::string input;
    std::string_view unwritten;  // of `input`
    OutputTail out{k_stdout_kept};
    OutputTail err{k_stderr_kept};
    ExecEnd end = ExecEnd::k_by_itself;
    TimePoint deadline{};  // when it is to be ended, or killed
  };

  void loop();
  void take_orders();
  void start_pending();
  void start_one(const Pending& pending);
  std::vector<std::string> environment(const Attempt& attempt) const;
  void interrupt_all();
  void terminate(Run& run, ExecEnd why);
  void end_overdue();
  TimePoint wakes_at() const;
  void wait_for_events();
  void handle(const epoll_event& event);
  void watch(std::uint64_t id, Stream stream, const UniqueFd& fd, std::uint32_t events);
  void write_input(Run& run);
  static bool read_output(const UniqueFd& fd, OutputTail& tail);
  void finish(std::uint64_t id, Run& run);
  void report(std::uint64_t batch, std::uint32_t index, journal::Outcome outcome);
  void deliver_results();

  const std::string name_;
  const std::string instance_;
  const int concurrency_;
  const int max_attempts_;
  const Milliseconds timeout_;
  const Milliseconds grace_;
  Program program_;
  std::vector<std::string> environment_;  // what is the same in each attempt
  Sink& sink_;
  Mailbox<Order> inbox_;
  UniqueFd epoll_;
  std::deque<Pending> pending_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Run>> runs_;
  std::uint64_t next_id_ = 1;
  std::vector<Result> results_;
  bool is_stopping_ = false;
  std::jthread thread_;  // last: started when all else is there
};

}  // namespace evd::handlers
