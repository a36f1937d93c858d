// Sends many statements without waiting for each answer. While it lives the connection takes no
// other statement. Statements up to an end_transaction() or sync() are one implicit transaction
// unless one was begun before.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/pg/connection.hpp"

namespace evd::pg {

struct PipelineOutcome {
  std::vector<Result> results;  // of the statements before the first error, in the order sent
  std::optional<Error> error;   // the first one; the statements after it did not run
  std::size_t failed = 0;       // its index among those that were waited for, when there is one

  bool ok() const { return !error; }
};

class Pipeline {
 public:
  explicit Pipeline(Connection& connection);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline();  // what was sent and not synced is completed, its outcome dropped

  // Throws pg::Error only when the connection is lost.
  void send(const std::string& sql, const Params& params = {}, Format format = Format::k_text);

  // What was sent is on its way when it returns; what follows is another transaction, and runs
  // whatever becomes of this one. Throws pg::Error only when the connection is lost.
  void end_transaction();

  // Waits for all that was sent, transactions that were ended included. A lost connection is an
  // outcome too: the statement it hit is the first without an answer. Afterwards more can be sent,
  // unless the connection is lost.
  PipelineOutcome sync();

 private:
  std::optional<Error> read_one(PipelineOutcome& outcome);
  std::optional<Error> read_sync_mark();

  Connection& connection_;
  std::size_t sent_ = 0;
  std::vector<std::size_t> ends_;  // how many were sent when a transaction ended
};

}  // namespace evd::pg
