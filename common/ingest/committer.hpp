// Writes what comes in: one thread with a connection of its own takes all requests that wait and
// commits them together, so that many clients share the wait for the disk; another tells them of
// it, while the next group is being written. A group whose commit is in doubt is repeated under the
// same uuid, and written once. While the database is away, groups go to the spool, if there is one,
// and from there to the database, before whatever came later.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "common/ingest/request.hpp"
#include "common/ingest/spool.hpp"
#include "common/ingest/write.hpp"
#include "common/logging/logger.hpp"
#include "common/pg/backoff.hpp"
#include "common/pg/connection.hpp"

namespace evd::ingest {

// What became of a request.
struct Written {
  std::vector<std::int64_t> ids;       // in the order of its events
  bool is_known = false;               // all of them were written before
  std::vector<std::string> spool_ids;  // instead of ids: they are on the disk
  std::optional<Problem> problem;
};

using Answer = std::function<void(Written)>;

struct CommitterOptions {
  std::size_t max_events = 20'000;            // that wait; more are refused
  std::size_t max_bytes = 67'108'864;         // likewise
  std::chrono::milliseconds patience{5'000};  // without a spool, with a database that is away
};

struct CommitterCounts {
  std::int64_t groups = 0, events = 0;  // that were committed
  std::int64_t spooled_bytes = 0;       // that wait on disk
};

class Committer {
 public:
  Committer(pg::ConnectOptions connect, std::optional<Spool> spool, CommitterOptions options,
            logging::Logger& logger);
  ~Committer();  // what waits is written, to the database or the disk, or its sender is told

  // False: too much waits, and `answer` is never called. Else it is called once, from a thread of
  // this object.
  bool submit(Request request, Answer answer);

  CommitterCounts counts() const;

 private:
  struct Waiting {
    Request request;
    Answer answer;
  };
  struct Group {
    std::vector<Waiting> requests;
    Frame frame;

    explicit Group(std::vector<Waiting> from);
  };

  struct Committed {
    Group group;
    GroupIds written;
  };

  void run();
  void run_answers();
  std::vector<Waiting> take();
  void drain_spool();
  void place(Group group);
  void spool(Group& group, bool is_in_doubt);
  void split(Group group, const pg::Error& error);
  void committed(Group group, GroupIds written);
  void answer(Group& group, const GroupIds& written);
  bool connect();
  void away(const pg::Error& error);

  const pg::ConnectOptions connect_options_;
  const CommitterOptions options_;
  logging::Logger& logger_;

  // Used by the thread that writes alone.
  std::optional<Spool> spool_;
  std::optional<pg::Connection> connection_;
  pg::ReconnectBackoff backoff_;
  std::chrono::steady_clock::time_point connect_at_{};  // not before
  bool is_told_ = false;                                // that the database is away

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_events_ = 0, waiting_bytes_ = 0;
  CommitterCounts counts_;
  bool is_stopping_ = false;
  std::vector<Committed> committed_;  // and not answered
  std::condition_variable answerable_;
  bool is_writing_ = true;

  // Last: they use all of the above.
  std::thread answers_;
  std::thread thread_;
};

}  // namespace evd::ingest
