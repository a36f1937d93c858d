// The statements of an sql handler, whose effect and completion commit together. Each call is one
// transaction on a connection of its own; what the handler's statement raises comes out as
// pg::Error, and then nothing happened.
#pragma once

#include "common/journal/types.hpp"
#include "common/pg/connection.hpp"

namespace evd::journal {

// A handler's share of an open window or of a leased part: which of the two, the database knows.
struct ShareRef {
  std::int64_t window_id = 0;
  std::string handler;
  NodeId node = 0;
  std::int64_t token = 0;
};

struct SqlStatement {
  std::string text;      // with the event as $1
  std::string function;  // f, where the text is no more than `select f($1)`; else empty
  Milliseconds timeout{0};
  // A session that stops amid a transaction holds rows of its users and of the window: it is ended
  // after so long, which must be before the node is taken for dead.
  Milliseconds idle_limit{10'000};
};

enum class ShareResult {
  k_more,
  k_done,  // to the end of the share
  k_lost,  // the share is no longer the node's
};

struct BatchResult {
  ShareResult result = ShareResult::k_lost;
  int ran = 0;
};

// Recognises the plain form; schema-qualified and quoted names included.
SqlStatement parse_statement(const std::string& text, Milliseconds timeout);

// Runs the next `limit` events of the share.
BatchResult run_batch(pg::Connection& connection, const ShareRef& share,
                      const SqlStatement& statement, int limit);

// How far the share is done; nullopt: it is no longer the node's. Waits for a batch that a lost
// connection left behind.
std::optional<Position> share_position(pg::Connection& connection, const ShareRef& share,
                                       const SqlStatement& statement);

// The next event of the share failed when it ran alone: it becomes a delivery, and the share goes
// on behind it. `after`: where the share was when that event ran, if it may have been done all the
// same; a share that has come further is left as it is.
ShareResult fail_next(pg::Connection& connection, const ShareRef& share,
                      const SqlStatement& statement, const Outcome& outcome,
                      const std::optional<Position>& after = std::nullopt);

// Runs one delivery. False: the run is no longer the node's.
bool run_delivery(pg::Connection& connection, NodeId node, const FinishedRun& run,
                  const SqlStatement& statement);

}  // namespace evd::journal
