#include "common/handlers/sql_handler.hpp"

#include <algorithm>

#include "common/pg/backoff.hpp"

namespace evd::handlers {

namespace {

constexpr Milliseconds k_little{5};         // after a deadlock and the like
constexpr Milliseconds k_cancel_again{20};  // a request may come before the statement it is for

}  // namespace

SqlHandler::SqlHandler(const HandlerConfig& config, std::shared_ptr<pg::Pool> pool, Sink& sink,
                       logging::Logger& logger, Milliseconds idle_limit)
    : name_(config.name),
      batch_(config.batch),
      concurrency_(std::max(config.concurrency, 1)),
      statement_(journal::parse_statement(config.sql, config.timeout)),
      pool_(std::move(pool)),
      sink_(sink),
      logger_(logger) {
  statement_.idle_limit = idle_limit;
  for (int i = 0; i < concurrency_; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  threads_.emplace_back([this](const std::stop_token& stop) { cancel_interrupted(stop); });
}

SqlHandler::~SqlHandler() {
  interrupt();
  for (std::jthread& thread : threads_) thread.request_stop();
  // The one that cancels ends last: the others may be within a statement.
  for (std::jthread& thread : threads_) thread.join();
}

void SqlHandler::start(Batch batch) {
  const std::lock_guard lock(mutex_);
  std::uint32_t index = 0;
  for (const Attempt& attempt : batch.attempts) {
    journal::FinishedRun run{
        .event_id = attempt.event->id, .handler = name_, .run = attempt.run, .outcome = {}};
    queue_.push_back(std::make_shared<SqlDeliveryJob>(batch.id, index++, batch.node, std::move(run),
                                                      statement_, sink_));
    jobs_.push_back(queue_.back());
  }
  queued_.notify_all();
}

void SqlHandler::start_share(journal::ShareRef share) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(
      std::make_shared<SqlShareJob>(std::move(share), Pace(batch_, pace_), statement_, sink_));
  jobs_.push_back(queue_.back());
  queued_.notify_one();
}

void SqlHandler::stop_share(const journal::ShareRef& share) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const JobPtr& job) {
    const auto* running = dynamic_cast<SqlShareJob*>(job.get());
    return running != nullptr && running->share().window_id == share.window_id &&
           running->share().token == share.token;
  });
  if (found == jobs_.end()) return;
  const JobPtr job = *found;
  job->stop();
  // One that only waits for its turn must not wait for the others' batches.
  if (std::erase(queue_, job) == 0) return;
  jobs_.erase(found);
  job->end_stopped();
}

void SqlHandler::interrupt() {
  const std::lock_guard lock(mutex_);
  for (const JobPtr& job : jobs_) {
    job->is_interrupted = true;
    job->stop();
  }
  interrupted_.notify_one();
}

void SqlHandler::work(const std::stop_token& stop) {
  while (const JobPtr job = next_job(stop)) {
    const SqlJob::Step result = step(*job);
    if (result == SqlJob::Step::k_ended) {
      forget(job);
    } else {
      if (result == SqlJob::Step::k_wait) wait(*job, k_little);
      put_back(job);
    }
  }
}

// Null when the handler ends; not before all jobs have, since each is owed an end.
SqlHandler::JobPtr SqlHandler::next_job(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, stop, [this] { return !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  JobPtr job = std::move(queue_.front());
  queue_.pop_front();
  return job;
}

SqlJob::Step SqlHandler::step(SqlJob& job) {
  std::optional<pg::Pool::Lease> lease = connect(job);
  if (!lease) {
    job.end_stopped();
    return SqlJob::Step::k_ended;
  }
  {
    const std::lock_guard lock(mutex_);
    job.running = (*lease)->canceller();
    if (job.is_interrupted) interrupted_.notify_one();
  }
  const SqlJob::Step result = job.step(**lease);
  const std::lock_guard lock(mutex_);
  job.running.reset();
  // A request to cancel that is on its way must not meet the statement of another job.
  if (job.is_interrupted) lease->discard();
  return result;
}

// Before what was started ahead: with its window not done, that one's could not be either.
void SqlHandler::put_back(const JobPtr& job) {
  const std::lock_guard lock(mutex_);
  queue_.push_front(job);
  queued_.notify_one();
}

void SqlHandler::forget(const JobPtr& job) {
  const std::lock_guard lock(mutex_);
  std::erase(jobs_, job);
  if (const auto* share = dynamic_cast<SqlShareJob*>(job.get())) {
    pace_ = share->pace().target();
  }
}

// False: the job was asked to stop.
bool SqlHandler::wait(const SqlJob& job, Milliseconds duration) {
  std::mutex own;  // only the job's stop ends this wait
  std::unique_lock lock(own);
  std::condition_variable_any never;
  never.wait_for(lock, job.stop_token(), duration, [] { return false; });
  return !job.stop_token().stop_requested();
}

// Waits for PostgreSQL as long as it takes. Empty: the job was asked to stop.
std::optional<pg::Pool::Lease> SqlHandler::connect(const SqlJob& job) {
  pg::ReconnectBackoff backoff;
  for (;;) {
    try {
      auto lease = pool_->lease(job.stop_token());
      if (lease && is_away_.exchange(false)) {
        logger_.info("sql handler has its database again", {{"handler", name_}});
      }
      return lease;
    } catch (const pg::Error& error) {
      if (!is_away_.exchange(true)) {
        logger_.warn("sql handler waits for its database",
                     {{"handler", name_}, {"error", error.what()}});
      }
    }
    if (!wait(job, backoff.next())) return std::nullopt;
  }
}

// Asks again until the statement is gone: the first request may have come too early to meet it.
void SqlHandler::cancel_interrupted(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto is_needed = [this] { return !to_cancel().empty(); };
  while (interrupted_.wait(lock, stop, is_needed) || !jobs_.empty()) {
    const std::vector<pg::Canceller> cancellers = to_cancel();
    lock.unlock();
    for (const pg::Canceller& canceller : cancellers) canceller.cancel();
    std::this_thread::sleep_for(k_cancel_again);
    lock.lock();
  }
}

std::vector<pg::Canceller> SqlHandler::to_cancel() const {
  std::vector<pg::Canceller> result;
  for (const JobPtr& job : jobs_) {
    if (job->is_interrupted && job->running) result.push_back(*job->running);
  }
  return result;
}

}  // namespace evd::handlers
