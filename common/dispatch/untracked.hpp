// Events that the configuration says not to track: run once by each of their handlers, at once and
// from memory, and written nowhere. What fails of `reliability = "alert"` is kept in a file that
// `evctl emit --file` takes, and told; of "best_effort" it is only counted.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "common/config/config.hpp"
#include "common/dispatch/inbox.hpp"
#include "common/handlers/handler.hpp"
#include "common/logging/logger.hpp"

namespace evd::dispatch {

struct UntrackedEvent {
  std::string name;
  std::string text;  // the JSON object as it came in
  std::string args = "[]";
  std::optional<std::string> key;
  std::string headers;  // JSON; empty: none
};

// Somebody is to be told.
struct LostPair {
  std::string event_name, handler, error;
};

class Untracked {
 public:
  // `make` makes the handlers that such events expect here, for this object's sink. The logger
  // outlives it.
  using MakeHandlers = std::map<std::string, std::unique_ptr<handlers::Handler>>(
      const Config& config, handlers::Sink& sink);
  Untracked(const Config& config, const std::function<MakeHandlers>& make, logging::Logger& logger);
  // Lets what runs end within [daemon] stop_timeout; what does not, has failed.
  ~Untracked();

  bool has_any() const { return has_any_; }  // events that are not tracked
  bool runs(const std::string& event_name) const;

  // False: too much waits; none of them is run. Any thread.
  bool submit(std::vector<UntrackedEvent> events);

  std::vector<LostPair> take_lost();          // since the last call. Any thread
  void put_back(std::vector<LostPair> lost);  // nobody could be told
  std::int64_t failed() const { return failed_; }

 private:
  struct Work {
    std::shared_ptr<const journal::Event> event;
    std::shared_ptr<const journal::Route> route;
    std::shared_ptr<const std::string> text;
  };
  struct Host {
    std::unique_ptr<handlers::Handler> handler;
    int running = 0;
    std::deque<Work> waiting;
  };

  void run();
  void take_in(UntrackedEvent event);
  void feed(const std::string& name, Host& host);
  void take_results();
  void ended(const Work& work, const std::string& handler, const journal::Outcome& outcome);
  void keep(const std::string& text);

  const Config config_;
  bool has_any_ = false;
  logging::Logger& logger_;
  Inbox inbox_;
  Mailbox<UntrackedEvent> incoming_;
  EventFd stop_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<std::int64_t> pending_{0};  // pairs that wait or run
  std::atomic<std::int64_t> failed_{0};
  std::mutex mutex_;  // guards lost_
  std::vector<LostPair> lost_;

  // Of the thread alone.
  std::map<std::string, Host> hosts_;
  struct Running {
    std::string handler;
    Work work;
  };
  std::unordered_map<std::uint64_t, Running> running_;
  std::uint64_t next_batch_ = 1;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace evd::dispatch
