// Runs a statement for each event, in the database, its effect and its completion committed
// together. `concurrency` threads take turns with the shares and deliveries that wait, one batch
// at a time, each on a connection leased for it. While PostgreSQL is away they wait for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/config/handler_config.hpp"
#include "common/handlers/handler.hpp"
#include "common/handlers/sql_job.hpp"
#include "common/logging/logger.hpp"
#include "common/pg/pool.hpp"

namespace evd::handlers {

class SqlHandler : public ShareHandler {
 public:
  // idle_limit: see journal::SqlStatement.
  SqlHandler(const HandlerConfig& config, std::shared_ptr<pg::Pool> pool, Sink& sink,
             logging::Logger& logger, Milliseconds idle_limit);
  ~SqlHandler() override;

  const std::string& name() const override { return name_; }
  int capacity() const override { return concurrency_; }
  void start(Batch batch) override;
  void interrupt() override;
  int ahead() const override { return 1; }
  void start_share(journal::ShareRef share) override;
  void stop_share(const journal::ShareRef& share) override;

 private:
  using JobPtr = std::shared_ptr<SqlJob>;

  void work(const std::stop_token& stop);
  JobPtr next_job(const std::stop_token& stop);
  SqlJob::Step step(SqlJob& job);
  void put_back(const JobPtr& job);
  void forget(const JobPtr& job);
  bool wait(const SqlJob& job, Milliseconds duration);
  std::optional<pg::Pool::Lease> connect(const SqlJob& job);
  void cancel_interrupted(const std::stop_token& stop);
  std::vector<pg::Canceller> to_cancel() const;

  const std::string name_;
  const int batch_;
  const int concurrency_;
  journal::SqlStatement statement_;  // constant once the threads run
  const std::shared_ptr<pg::Pool> pool_;
  Sink& sink_;
  logging::Logger& logger_;
  std::atomic<int> pace_ = Pace::k_first;  // of the share that ended last
  std::atomic<bool> is_away_ = false;      // PostgreSQL, and that was logged

  std::mutex mutex_;                         // guards the jobs' interruption, and what follows
  std::condition_variable_any queued_;       // told to one thread, for each job: batches are many
  std::condition_variable_any interrupted_;  // told to the one that cancels
  std::deque<JobPtr> queue_;
  std::vector<JobPtr> jobs_;           // all: those in the queue and those being stepped
  std::vector<std::jthread> threads_;  // last: started when all else is there
};

}  // namespace evd::handlers
