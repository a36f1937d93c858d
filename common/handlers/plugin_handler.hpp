// Runs events in a shared object, in this process: `concurrency` threads hand it batches of up to
// `batch` events. A call cannot be interrupted, and what crashes in one ends the process; so
// suspects run in a child, alone.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "common/config/handler_config.hpp"
#include "common/handlers/plugin_child.hpp"
#include "common/handlers/plugin_library.hpp"

namespace evd::handlers {

class PluginHandler : public Handler {
 public:
  // Throws PluginError. `program`: what a suspect's child is, see PluginChild.
  PluginHandler(const HandlerConfig& config, const std::string& instance, Sink& sink,
                const std::string& program = PluginChild{}.program);
  ~PluginHandler() override;  // waits for the calls that run

  const std::string& name() const override { return child_.handler; }
  int capacity() const override { return capacity_; }
  void start(Batch batch) override;
  void interrupt() override;  // only what no call has begun

 private:
  void work(const std::stop_token& stop);
  void run(const Batch& batch);
  void report(std::uint64_t batch, std::size_t first, std::vector<journal::Outcome> outcomes);

  const PluginChild child_;
  const PluginLibrary library_;
  const std::size_t batch_;
  const int capacity_;
  Sink& sink_;
  std::mutex mutex_;  // guards queue_ and is_interrupted_
  std::condition_variable_any changed_;
  std::deque<Batch> queue_;
  bool is_interrupted_ = false;
  std::vector<std::jthread> threads_;  // last: started when all else is there
};

}  // namespace evd::handlers
