#include "common/pg/pipeline.hpp"

#include <libpq-fe.h>

#include <utility>

#include "common/pg/connection_state.hpp"
#include "common/pg/fault.hpp"

namespace evd::pg {

namespace {

bool succeeded(const pg_result* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool is_copy(const pg_result* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

}  // namespace

Pipeline::Pipeline(Connection& connection) : connection_(connection) {
  pg_conn* handle = connection_.state_->handle.get();
  if (PQenterPipelineMode(handle) != 1) throw make_error(handle, nullptr);
}

Pipeline::~Pipeline() {
  try {
    if (sent_ > 0 && connection_.is_open()) sync();
  } catch (...) {
    // Nothing can be told from here; a connection that is not idle fails at its next statement.
  }
  PQexitPipelineMode(connection_.state_->handle.get());
}

void Pipeline::send(const std::string& sql, const Params& params, Format format) {
  const auto values = params.values();
  const auto types = params.types();
  pg_conn* handle = connection_.state_->handle.get();
  fault_point(FaultPlace::k_before, sql);
  if (PQsendQueryParams(handle, sql.c_str(), static_cast<int>(values.size()), types.data(),
                        values.data(), nullptr, nullptr, static_cast<int>(format)) != 1) {
    throw make_error(handle, nullptr);
  }
  ++sent_;
}

void Pipeline::end_transaction() {
  pg_conn* handle = connection_.state_->handle.get();
  if (PQpipelineSync(handle) != 1) throw make_error(handle, nullptr);
  ends_.push_back(sent_);
}

// The next statement's answer: kept when it succeeded, returned when it is an error.
std::optional<Error> Pipeline::read_one(PipelineOutcome& outcome) {
  pg_conn* handle = connection_.state_->handle.get();
  pg_result* raw = PQgetResult(handle);
  if (raw == nullptr) return connection_.state_->explained(make_error(handle, nullptr));
  Result result(raw);
  std::optional<Error> error;
  if (is_copy(raw)) {
    // A COPY inside a pipeline cannot be ended: libpq would give the same answer for ever.
    connection_.state_->handle.reset();
    return make_error("0A000", "COPY from or to the client is not supported");
  }
  if (!succeeded(raw)) error = connection_.state_->explained(make_error(handle, raw));
  if (error && error->connection_lost()) {
    // Where libpq could not write, its status stays good and the rest of the answers never comes.
    connection_.state_->handle.reset();
    return error;
  }
  // A null ends each statement's results. After a lost connection the same would come for ever.
  while (PQstatus(handle) == CONNECTION_OK) {
    const Result rest(PQgetResult(handle));
    if (rest.is_nothing()) break;
  }
  if (!error) outcome.results.push_back(std::move(result));
  return error;
}

// It follows the last statement's answers at once. Anything else is a commit that failed, or a
// session that ended or is out of step.
std::optional<Error> Pipeline::read_sync_mark() {
  pg_conn* handle = connection_.state_->handle.get();
  pg_result* raw = PQgetResult(handle);
  const Result mark(raw);
  if (PQresultStatus(raw) == PGRES_PIPELINE_SYNC) return std::nullopt;
  Error error = connection_.state_->explained(make_error(handle, raw));
  connection_.state_->handle.reset();
  return error;
}

PipelineOutcome Pipeline::sync() {
  const std::size_t sent = std::exchange(sent_, 0);
  const std::vector<std::size_t> ends = std::exchange(ends_, {});
  PipelineOutcome outcome;
  // When the connection is already lost, an answer may still be there to read, which says why.
  const bool is_ended = !ends.empty() && ends.back() == sent;
  const bool synced = !is_ended && PQpipelineSync(connection_.state_->handle.get()) == 1;
  const auto keep_first = [&outcome](std::optional<Error> error, std::size_t statement) {
    if (!error || outcome.error) return;
    outcome.error = std::move(error);
    outcome.failed = statement;
  };
  auto end = ends.begin();
  for (std::size_t i = 0; i < sent; ++i) {
    keep_first(read_one(outcome), i);
    for (; end != ends.end() && *end == i + 1 && connection_.is_open(); ++end)
      keep_first(read_sync_mark(), i);
    if (!connection_.is_open()) return outcome;
  }
  if (synced) keep_first(read_sync_mark(), sent == 0 ? 0 : sent - 1);
  return outcome;
}

}  // namespace evd::pg
