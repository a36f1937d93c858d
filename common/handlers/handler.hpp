// A handler is a named piece of work that evd runs for an event. The dispatcher starts attempts on
// it in batches and hears of each one's outcome through a sink, from whatever thread the handler
// works on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/journal/sql_shares.hpp"
#include "common/journal/types.hpp"

namespace evd::handlers {

// Attempts in a row that failed on the way to a handler (Outcome::is_transport), after which it
// counts as out of reach.
inline constexpr int k_out_of_reach_after = 5;

// One execution of a pair. The event belongs to its window and lives as long as the attempt.
struct Attempt {
  std::shared_ptr<const journal::Event> event;
  std::shared_ptr<const journal::Route> route;
  std::int32_t run = 1;
  std::int32_t number = 1;        // this attempt's, from 1; what `attempt` says to the handler
  std::int32_t max_attempts = 0;  // of its delivery; 0: as the handler is configured
  std::int32_t round = 0;
  bool is_suspect = false;
};

// Of an attempt that evd ended itself, or did not begin.
inline journal::Outcome interrupted() {
  return {.kind = journal::OutcomeKind::k_handed_back, .error = "interrupted", .retry_after = {}};
}

struct Batch {
  std::uint64_t id = 0;  // the dispatcher's; comes back with each result
  journal::NodeId node = 0;
  bool has_rows = false;  // its attempts are deliveries, whose rows say `running`
  std::vector<Attempt> attempts;
};

struct Result {
  std::uint64_t batch = 0;
  std::uint32_t index = 0;  // of the attempt in its batch
  journal::Outcome outcome;
};

struct ShareEnd {
  journal::ShareRef share;
  journal::ShareResult result =
      journal::ShareResult::k_lost;  // k_more: it was asked to stop, or gave up
  int ran = 0;                       // events that it ran with success
  int failed = 0;                    // events that became deliveries
  std::string unreachable;           // k_more: it gave up, for this reason
};

// Where results go; called from handlers' threads, in batches. Outlives every handler.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void finished(std::vector<Result> results) = 0;
  virtual void share_ended(ShareEnd end) = 0;
};

class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;  // ends what still runs; no result comes any more after it

  virtual const std::string& name() const = 0;
  // Attempts that may be inside at once; the dispatcher never starts more.
  virtual int capacity() const = 0;
  // Never blocks and never throws: whatever goes wrong is an outcome. Each attempt gets exactly one
  // result.
  virtual void start(Batch batch) = 0;
  // Ends what runs at once: those attempts come back as k_handed_back.
  virtual void interrupt() = 0;
};

// A handler that runs a whole share of a window by itself and commits its effect and its progress
// together.
class ShareHandler : public Handler {
 public:
  // Shares that it takes beyond `capacity()`, to begin with as soon as one of the others ends: the
  // next one does not have to come from the dispatcher first, which may be waiting for the journal.
  virtual int ahead() const { return 0; }
  // At most capacity() + ahead() at once. Ends with share_ended.
  virtual void start_share(journal::ShareRef share) = 0;
  // The share's window is to close: it ends after the batch that is running, as k_more, and at once
  // when none is.
  virtual void stop_share(const journal::ShareRef& share) = 0;
};

}  // namespace evd::handlers
