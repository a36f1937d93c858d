#include "common/handlers/plugin_handler.hpp"

#include <algorithm>

namespace evd::handlers {

PluginHandler::PluginHandler(const HandlerConfig& config, const std::string& instance, Sink& sink,
                             const std::string& program)
    : child_{program, config.plugin, config.name, instance, config.timeout},
      library_(config.plugin, config.name),
      batch_(static_cast<std::size_t>(std::max(config.batch, 1))),
      capacity_(std::max(config.concurrency, 1) * std::max(config.batch, 1)),
      sink_(sink) {
  for (int i = 0; i < std::max(config.concurrency, 1); ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

PluginHandler::~PluginHandler() {
  interrupt();
  for (std::jthread& thread : threads_) thread.request_stop();
}

void PluginHandler::start(Batch batch) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(batch));
  changed_.notify_one();
}

void PluginHandler::interrupt() {
  std::deque<Batch> given_back;
  {
    const std::lock_guard lock(mutex_);
    is_interrupted_ = true;  // calls under way begin no further part of their batch
    given_back.swap(queue_);
  }
  for (const Batch& batch : given_back) {
    report(batch.id, 0, std::vector<journal::Outcome>(batch.attempts.size(), interrupted()));
  }
}

void PluginHandler::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !queue_.empty(); })) {
    const Batch batch = std::move(queue_.front());
    queue_.pop_front();
    is_interrupted_ = false;  // an interruption is over once something new is started
    lock.unlock();
    run(batch);
    lock.lock();
  }
}

void PluginHandler::run(const Batch& batch) {
  const auto& attempts = batch.attempts;
  for (std::size_t first = 0, count = 0; first < attempts.size(); first += count) {
    std::unique_lock lock(mutex_);
    const bool is_interrupted = is_interrupted_;
    lock.unlock();
    if (is_interrupted) {
      count = attempts.size() - first;
      report(batch.id, first, std::vector<journal::Outcome>(count, interrupted()));
    } else if (attempts[first].is_suspect) {
      count = 1;
      report(batch.id, first, {run_in_child(child_, attempts[first])});
    } else {
      const auto begin = attempts.begin() + static_cast<std::ptrdiff_t>(first);
      const auto suspect =
          std::find_if(begin, attempts.end(), [](const Attempt& a) { return a.is_suspect; });
      count = std::min(batch_, static_cast<std::size_t>(suspect - begin));
      report(batch.id, first, library_.run(attempts, first, count, child_.instance));
    }
  }
}

void PluginHandler::report(std::uint64_t batch, std::size_t first,
                           std::vector<journal::Outcome> outcomes) {
  std::vector<Result> results;
  results.reserve(outcomes.size());
  auto index = static_cast<std::uint32_t>(first);
  for (journal::Outcome& outcome : outcomes)
    results.push_back({batch, index++, std::move(outcome)});
  sink_.finished(std::move(results));
}

}  // namespace evd::handlers
