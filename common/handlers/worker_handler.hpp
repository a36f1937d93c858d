// Gives events to programs that live on: an event on a line of their stdin, an answer on a line of
// their stdout, in any order, up to `concurrency` at once over all `processes`. One thread starts
// them, when there is something to do, and waits for all of them; it alone touches what is private
// below but for the inbox.
//
// What was with a process that dies is run again, uncounted, each alone in a process: the one that
// kills its process again is to blame, and fails.
#pragma once

#include <sys/epoll.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mailbox.hpp"
#include "common/base/unique_fd.hpp"
#include "common/config/handler_config.hpp"
#include "common/handlers/order.hpp"
#include "common/handlers/restart_pace.hpp"
#include "common/handlers/worker_process.hpp"
#include "common/handlers/worker_reply.hpp"
#include "common/logging/logger.hpp"

namespace evd::handlers {

class WorkerHandler : public Handler {
 public:
  // `grace`: what a process has to end by itself, and then again after SIGTERM.
  WorkerHandler(const HandlerConfig& config, std::string instance, Sink& sink,
                logging::Logger& logger, Milliseconds grace = std::chrono::seconds{5});
  ~WorkerHandler() override;  // takes up to twice `grace`

  const std::string& name() const override { return name_; }
  int capacity() const override { return concurrency_; }
  void start(Batch batch) override;
  void interrupt() override;

 private:
  enum class Stream : std::uint64_t { k_pidfd, k_in, k_out, k_err };

  void loop();
  void take_orders();
  void stop_all(bool for_good);
  void feed();
  bool feed_from(std::deque<WorkerJob>& jobs);
  WorkerProcess* process_for(const WorkerJob& job);
  WorkerProcess* start_process();
  void give(WorkerProcess& process, WorkerJob job);
  void end_overdue();
  Clock::TimePoint wakes_at() const;
  void wait_for_events();
  void handle(const epoll_event& event);
  void watch(std::uint64_t id, Stream stream, const UniqueFd& fd, std::uint32_t events);
  void watch_writes(std::uint64_t id, const WorkerProcess& process);
  LineReader::OnLine on_out(WorkerProcess& process);
  LineReader::OnLine on_err();
  void take_line(WorkerProcess& process, std::string_view line, bool is_cut);
  void take_reply(WorkerProcess& process, const WorkerReply& reply);
  void refuse_reply(WorkerProcess& process, const std::string& why);
  void ended(std::uint64_t id, WorkerProcess& process);
  void settle(WorkerProcess& process, const std::string& error);
  void report(const WorkerJob& job, journal::Outcome outcome);
  void deliver_results();

  const std::string name_;
  const std::string instance_;
  const int concurrency_;
  const std::size_t processes_;
  const std::size_t limit_;  // events with one process at once
  const Milliseconds timeout_;
  const Milliseconds grace_;
  Program program_;
  std::vector<std::string> environment_;
  Sink& sink_;
  logging::Logger& logger_;
  Mailbox<Order> inbox_;
  UniqueFd epoll_;
  std::deque<WorkerJob> pending_;
  std::deque<WorkerJob> suspects_;  // to be run alone; they come first
  std::map<std::uint64_t, std::unique_ptr<WorkerProcess>> running_;
  std::uint64_t next_id_ = 1;
  RestartPace pace_;
  std::vector<Result> results_;
  std::string line_;  // reused
  bool is_stopping_ = false;
  std::jthread thread_;  // last: started when all else is there
};

}  // namespace evd::handlers
