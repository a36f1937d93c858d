#include "common/journal/window_claim.hpp"

#include <utility>

#include "common/journal/journal.hpp"
#include "common/pg/fault.hpp"
#include "common/pg/pipeline.hpp"

namespace evd::journal {
namespace {

using pg::Format;
using pg::params;

// What a window is found by before its claim has answered: the claim's token. Then it has an id.
constexpr std::string_view k_by_token = "evd.window_of_token($1)";
constexpr std::string_view k_by_id = "$1::bigint";

std::string read_all(std::string_view window) {
  return "select " + std::string(k_event_columns) + ", e.due_at from evd.window_events(" +
         std::string(window) + ") e";
}

// Reads the log once: first come the events, then a row for each route whose events are counted,
// and each time that some of them are due at.
std::string read_without(std::string_view window) {
  return "with e as materialized (select * from evd.window_events(" + std::string(window) +
         ")) select " + std::string(k_event_columns) +
         ", e.due_at, 0::bigint from e where e.route_id <> all ($2)"
         " union all select 0, '0', e.route_id, '-infinity', '', null, '', e.due_at, count(*)"
         " from e where e.route_id = any ($2) group by e.route_id, e.due_at";
}

struct Reading {
  std::string sql;
  pg::Params parameters;
};

// `key`: what the window is found by.
Reading reading(std::string_view window, std::int64_t key, const SharesOnly& shares_only) {
  if (shares_only.routes.empty()) return {read_all(window), params(key)};
  return {read_without(window), params(key, shares_only.routes)};
}

// What is due after `opened_at` (in microseconds since 1970) is due later.
Window window_of(const pg::Result& result, std::int64_t opened_at) {
  Window window;
  window.events.reserve(static_cast<std::size_t>(result.rows()));
  const int due_at = k_event_width, events = due_at + 1;
  const bool has_counts = result.columns() > events;
  for (int row = 0; row < result.rows(); ++row) {
    const bool is_later =
        !result.is_null(row, due_at) && result.timestamp_us(row, due_at) > opened_at;
    const std::int64_t counted = has_counts ? result.int64(row, events) : 0;
    if (counted > 0) {
      window.count(result.int32(row, 2), counted, is_later ? counted : 0);
    } else {
      window.events.push_back(read_event(result, row, 0));
      window.events.back().is_later = is_later;
    }
  }
  return window;
}

pg::PipelineOutcome claim_and_read(pg::Connection& connection, NodeId node,
                                   const ClaimRequest& request) {
  const Reading read = reading(k_by_token, request.token, request.shares_only);
  pg::Pipeline pipeline(connection);
  pipeline.send("select id, opened_at from evd.claim($1, $2, $3)",
                params(node, request.token, request.limit), Format::k_binary);
  pipeline.end_transaction();
  pipeline.send(read.sql, read.parameters, Format::k_binary);
  pipeline.end_transaction();
  return pipeline.sync();
}

}  // namespace

Event read_event(const pg::Result& result, int row, int column) {
  Event event;
  event.id = result.int64(row, column);
  event.xid = result.uint64(row, column + 1);
  event.route_id = result.int32(row, column + 2);
  event.created_at_us = result.timestamp_us(row, column + 3);
  event.args = result.string(row, column + 4);
  event.key = result.optional_string(row, column + 5);
  event.headers = result.text(row, column + 6);
  return event;
}

void throw_for(const pg::Error& error) {
  if (error.sqlstate() == "VE020") throw NodeFenced(error.primary());
  throw error;
}

std::optional<Window> claim_window(pg::Connection& connection, NodeId node,
                                   const ClaimRequest& request) {
  const pg::PipelineOutcome outcome = claim_and_read(connection, node, request);
  pg::fault_point(pg::FaultPlace::k_after, "evd.claim");
  if (outcome.error) throw_for(*outcome.error);
  const pg::Result& claimed = outcome.results[0];
  if (claimed.empty()) return std::nullopt;
  const WindowRef ref{claimed.int64(0, 0), request.token};
  const std::int64_t opened_at = claimed.timestamp_us(0, 1);
  Window window;
  if (!outcome.results[1].empty()) {
    window = window_of(outcome.results[1], opened_at);
  } else {
    const Reading read = reading(k_by_id, ref.id, request.shares_only);
    window = window_of(connection.query(read.sql, read.parameters, Format::k_binary), opened_at);
  }
  window.ref = ref;
  return window;
}

}  // namespace evd::journal
