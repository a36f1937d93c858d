#include "common/journal/sql_shares.hpp"

#include <regex>

#include "common/pg/fault.hpp"
#include "common/pg/pipeline.hpp"

namespace evd::journal {

namespace {

// What a statement of the user's may have left behind; as Connection::reset_session, but within the
// round trip of the batch.
constexpr const char* k_reset[] = {
    "close all",        "set session authorization default", "reset all",
    "unlisten *",       "select pg_advisory_unlock_all()",   "discard temp",
    "discard sequences"};

struct Call {
  std::string sql;
  pg::Params params;
  std::string lock;  // calls with the same one run one after the other; empty: none
  Milliseconds timeout{0};
  Milliseconds idle_limit{0};
};

// The places of the statements in the pipeline.
constexpr std::size_t k_call = 2;
constexpr std::size_t k_commit = 3;

void send(pg::Pipeline& pipeline, const Call& call) {
  pipeline.send("begin isolation level read committed");
  const std::string timeout = std::to_string(call.timeout.count());
  // The lock is for a batch whose connection was lost: its backend may not have noticed and still
  // commit. Whoever runs the share again waits for that here, and then reads where it has come to.
  // The window's row does not serve, since the batches of all handlers share it.
  const std::string lock =
      call.lock.empty() ? "" : ", pg_advisory_xact_lock(hashtextextended($3, 6649444))";
  pg::Params settings = pg::params(timeout, std::to_string(call.idle_limit.count()));
  if (!call.lock.empty()) settings.add(call.lock);
  pipeline.send(
      "select set_config('statement_timeout', $1, true), "
      "set_config('idle_in_transaction_session_timeout', $2, true)" +
          lock,
      settings);
  pipeline.send(call.sql, call.params);
  pipeline.send("commit");
  for (const char* statement : k_reset) pipeline.send(statement);
}

// One transaction in one round trip. Throws what the call or its commit raised.
pg::Result transact(pg::Connection& connection, const Call& call) {
  pg::PipelineOutcome outcome;
  {
    pg::Pipeline pipeline(connection);
    send(pipeline, call);
    outcome = pipeline.sync();
  }
  pg::fault_point(pg::FaultPlace::k_after, call.sql);
  if (outcome.ok()) return std::move(outcome.results[k_call]);
  if (outcome.error->connection_lost() && outcome.failed <= k_commit) throw *outcome.error;
  try {
    connection.reset_session();
  } catch (const pg::Error& error) {
    if (!error.connection_lost()) throw;  // the next use of the connection will tell
  }
  if (outcome.failed > k_commit) return std::move(outcome.results[k_call]);
  // What failed before the call is nothing that the handler did wrong.
  if (outcome.failed < k_call) throw pg::make_error("55P03", outcome.error->what());
  throw *outcome.error;
}

std::string lock_of(const ShareRef& share) {
  return "evd " + std::to_string(share.window_id) + " " + share.handler;
}

pg::Params share_params(const ShareRef& share) {
  return pg::params(share.window_id, share.handler, share.node, share.token);
}

std::optional<double> seconds(const std::optional<Milliseconds>& duration) {
  if (!duration) return std::nullopt;
  return std::chrono::duration<double>(*duration).count();
}

ShareResult progress(bool is_done) { return is_done ? ShareResult::k_done : ShareResult::k_more; }

}  // namespace

SqlStatement parse_statement(const std::string& text, Milliseconds timeout) {
  static const std::regex plain(
      R"re(\s*select\s+((?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*))re"
      R"re((?:\s*\.\s*(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*))*)\s*\(\s*\$1\s*\)\s*;?\s*)re",
      std::regex::icase | std::regex::optimize);
  std::smatch match;
  const bool is_plain = std::regex_match(text, match, plain);
  return {.text = text, .function = is_plain ? match[1].str() : std::string(), .timeout = timeout};
}

BatchResult run_batch(pg::Connection& connection, const ShareRef& share,
                      const SqlStatement& statement, int limit) {
  Call call{.sql = "select ran, is_done from evd.run_sql_batch($1, $2, $3, $4, $5, $6, $7)",
            .params = share_params(share),
            .lock = lock_of(share),
            .timeout = statement.timeout,
            .idle_limit = statement.idle_limit};
  call.params.add(statement.text);
  if (statement.function.empty()) {
    call.params.add(std::nullopt);
  } else {
    call.params.add(statement.function);
  }
  call.params.add(limit);
  const pg::Result result = transact(connection, call);
  if (result.empty()) return {};
  return {progress(result.boolean(0, 1)), result.int32(0, 0)};
}

std::optional<Position> share_position(pg::Connection& connection, const ShareRef& share,
                                       const SqlStatement& statement) {
  const pg::Result result = transact(
      connection, {.sql = "select upto_xid, upto_id from evd.share_position($1, $2, $3, $4)",
                   .params = share_params(share),
                   .lock = lock_of(share),
                   .idle_limit = statement.idle_limit});
  if (result.empty()) return std::nullopt;
  return Position{result.uint64(0, 0), result.int64(0, 1)};
}

ShareResult fail_next(pg::Connection& connection, const ShareRef& share,
                      const SqlStatement& statement, const Outcome& outcome,
                      const std::optional<Position>& after) {
  Call call{.sql = "select evd.fail_sql_event($1, $2, $3, $4, $5, $6, $7, $8::xid8, $9)",
            .params = share_params(share),
            .lock = lock_of(share),
            .idle_limit = statement.idle_limit};
  call.params.add(outcome.error)
      .add(outcome.kind == OutcomeKind::k_failed)
      .add(seconds(outcome.retry_after));
  if (after) {
    call.params.add(std::to_string(after->xid)).add(after->id);
  } else {
    call.params.add(std::nullopt).add(std::nullopt);
  }
  const pg::Result result = transact(connection, call);
  if (result.is_null(0, 0)) return ShareResult::k_lost;
  return progress(result.boolean(0, 0));
}

bool run_delivery(pg::Connection& connection, NodeId node, const FinishedRun& run,
                  const SqlStatement& statement) {
  // The delivery's row is locked by who runs it, so this needs no lock besides.
  const Call call{.sql = "select evd.run_sql_delivery($1, $2, $3, $4, $5)",
                  .params = pg::params(run.event_id, run.handler, run.run, node, statement.text),
                  .lock = {},
                  .timeout = statement.timeout,
                  .idle_limit = statement.idle_limit};
  return transact(connection, call).boolean(0, 0);
}

}  // namespace evd::journal
