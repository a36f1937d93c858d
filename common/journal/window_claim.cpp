#include "common/journal/window_claim.hpp"

#include <string_view>
#include <utility>

#include "common/journal/journal.hpp"
#include "common/pg/fault.hpp"
#include "common/pg/pipeline.hpp"

namespace evd::journal {
namespace {

using pg::Format;
using pg::params;

// The window that a claim with this token has just taken: other claims' may be newer, but not many.
constexpr std::string_view k_newest_of_token =
    "(select * from (select * from evd.event_window order by id desc limit 16) n where token = $1)";
constexpr std::string_view k_of_id = "(select * from evd.event_window where id = $1)";

std::string read_all(std::string_view window) {
  return "select " + std::string(k_event_columns) +
         ", coalesce(e.due_at > w.opened_at, false) from " + std::string(window) +
         " w cross join lateral evd.window_events(w.id) e";
}

// Reads the log once: first come the events, then a row for each route whose events are counted.
std::string read_without(std::string_view window) {
  return "with e as materialized ("
         "  select e.*, coalesce(e.due_at > w.opened_at, false) as is_later from " +
         std::string(window) +
         " w cross join lateral evd.window_events(w.id) e)"
         " select " +
         std::string(k_event_columns) +
         ", e.is_later, 0::bigint, 0::bigint from e where e.route_id <> all ($2)"
         " union all select 0, '0', e.route_id, '-infinity', '', null, '', false, count(*),"
         " count(*) filter (where e.is_later) from e where e.route_id = any ($2) group by "
         "e.route_id";
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

Window window_of(const pg::Result& result) {
  Window window;
  window.events.reserve(static_cast<std::size_t>(result.rows()));
  const bool has_counts = result.columns() > k_event_width + 1;
  for (int row = 0; row < result.rows(); ++row) {
    const std::int64_t events = has_counts ? result.int64(row, k_event_width + 1) : 0;
    if (events > 0) {
      window.counted.push_back(
          {result.int32(row, 2), events, result.int64(row, k_event_width + 2)});
    } else {
      window.events.push_back(read_event(result, row, 0));
      window.events.back().is_later = result.boolean(row, k_event_width);
    }
  }
  return window;
}

pg::PipelineOutcome claim_and_read(pg::Connection& connection, NodeId node,
                                   const ClaimRequest& request) {
  const Reading read = reading(k_newest_of_token, request.token, request.shares_only);
  pg::Pipeline pipeline(connection);
  pipeline.send("select id, events from evd.claim($1, $2, $3)",
                params(node, request.token, request.limit));
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

std::optional<TakenWindow> claim_window(pg::Connection& connection, NodeId node,
                                        const ClaimRequest& request) {
  const pg::PipelineOutcome outcome = claim_and_read(connection, node, request);
  pg::fault_point(pg::FaultPlace::k_after, "evd.claim");
  if (outcome.error) throw_for(*outcome.error);
  const pg::Result& claimed = outcome.results[0];
  if (claimed.empty()) return std::nullopt;
  const WindowRef ref{claimed.int64(0, 0), request.token};
  TakenWindow taken;
  if (!outcome.results[1].empty()) {
    taken.window = window_of(outcome.results[1]);
  } else {
    const Reading read = reading(k_of_id, ref.id, request.shares_only);
    taken.window = window_of(connection.query(read.sql, read.parameters, Format::k_binary));
  }
  taken.window.ref = ref;
  taken.is_full = claimed.int64(0, 1) >= request.limit;
  return taken;
}

}  // namespace evd::journal
