// Writes what comes in: one thread with a connection of its own takes all requests that wait and
// commits them together, so that many clients share the wait for the disk. A group whose commit is
// in doubt is repeated under the same uuid, and written once.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "common/ingest/request.hpp"
#include "common/logging/logger.hpp"
#include "common/pg/connection.hpp"

namespace evd::ingest {

// What became of a request.
struct Written {
  std::vector<std::int64_t> ids;  // in the order of its events
  bool is_known = false;          // all of them were written before
  std::optional<Problem> problem;
};

using Answer = std::function<void(Written)>;

struct CommitterOptions {
  std::size_t max_events = 20'000;            // that wait; more are refused
  std::size_t max_bytes = 64 * 1024 * 1024;   // likewise
  std::chrono::milliseconds patience{5'000};  // with a database that does not answer
};

struct CommitterCounts {
  std::int64_t groups = 0, events = 0;  // that were committed
};

class Committer {
 public:
  Committer(pg::ConnectOptions connect, CommitterOptions options, logging::Logger& logger);
  ~Committer();  // writes what waits, or answers that it was not written

  // False: too much waits, and `answer` is never called. Else it is called once, from this object's
  // thread.
  bool submit(Request request, Answer answer);

  CommitterCounts counts() const;

 private:
  struct Waiting {
    Request request;
    Answer answer;
  };
  using Group = std::vector<Waiting>;

  void run();
  Group take();
  void write(Group group);
  void write_together(Group& group, const std::string& uuid);
  void split(Group group, const pg::Error& error);
  void answer_group(Group& group, const std::vector<std::int64_t>& ids, std::int64_t newest);
  bool connect(std::chrono::steady_clock::time_point until);

  const pg::ConnectOptions connect_options_;
  const CommitterOptions options_;
  logging::Logger& logger_;
  std::optional<pg::Connection> connection_;  // used by the thread alone

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_events_ = 0, waiting_bytes_ = 0;
  CommitterCounts counts_;
  bool is_stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace evd::ingest
