#include "common/journal/pg_journal.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace evd::journal {
namespace {

using pg::Format;
using pg::params;

bool is_in(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<double> seconds(const std::optional<Milliseconds>& duration) {
  if (!duration) return std::nullopt;
  return std::chrono::duration<double>(*duration).count();
}

std::string interval(Milliseconds duration) {
  return std::to_string(duration.count()) + " milliseconds";
}

std::optional<std::string> time_or_null(const std::string& time) {
  return time.empty() ? std::nullopt : std::optional(time);
}

const char* state_name(OpenPair::State state) {
  constexpr std::array<const char*, 4> k_names = {"queued", "running", "retry", "failed"};
  return k_names.at(static_cast<std::size_t>(state));
}

const char* outcome_name(OutcomeKind kind) {
  constexpr std::array<const char*, 4> k_names = {"done", "retry", "failed", "handed_back"};
  return k_names.at(static_cast<std::size_t>(kind));
}

// The parallel arrays in which pairs go to SQL.
struct PairArrays {
  std::vector<std::int64_t> event_ids;
  std::vector<std::string> handlers, states;
  std::vector<std::optional<std::string>> errors;
  std::vector<std::optional<double>> retry_after;

  explicit PairArrays(const std::vector<OpenPair>& pairs) {
    for (const OpenPair& pair : pairs) {
      event_ids.push_back(pair.event_id);
      handlers.push_back(pair.handler);
      states.emplace_back(state_name(pair.state));
      errors.push_back(pair.error.empty() ? std::nullopt : std::optional(pair.error));
      retry_after.push_back(seconds(pair.retry_after));
    }
  }
};

}  // namespace

pg::Result PgJournal::query(const std::string& sql, const pg::Params& parameters, Format format) {
  try {
    return connection_.query(sql, parameters, format);
  } catch (const pg::Error& error) {
    throw_for(error);
  }
}

NodeId PgJournal::register_node(const NodeInfo& info) {
  return query("select evd.register_node($1, $2, $3, $4)",
               params(info.name, info.kind, info.version, info.handlers))
      .int64(0, 0);
}

bool PgJournal::heartbeat(NodeId node) {
  return query("select evd.heartbeat($1)", params(node)).boolean(0, 0);
}

void PgJournal::leave(NodeId node) {
  if (ahead_) ahead_->forget();
  query("select evd.leave_node($1)", params(node));
}

std::vector<Route> PgJournal::routes() {
  const pg::Result result = query("select id, event_name, expected from evd.route order by id", {});
  std::vector<Route> routes;
  for (int row = 0; row < result.rows(); ++row) {
    routes.push_back({result.int32(row, 0), result.string(row, 1), result.text_array(row, 2)});
  }
  return routes;
}

std::optional<Window> PgJournal::claim(NodeId node, const ClaimRequest& request) {
  if (ahead_ && begun_for_ != node) ahead_->forget();  // what a node that was fenced since began
  const bool was_begun = ahead_ && ahead_->size() > 0;
  std::optional<Window> window =
      was_begun ? ahead_->next() : claim_window(connection_, node, request);
  if (!window) return std::nullopt;
  if (ahead_ && window->size() >= request.limit) {
    begun_for_ = node;
    while (ahead_->size() < request.ahead &&
           ahead_->begin(node, request.limit, request.shares_only)) {
    }
  }
  window->ahead = ahead_ ? ahead_->size() : 0;
  return window;
}

CloseResult PgJournal::close(NodeId node, const WindowRef& window, const CloseRequest& request) {
  std::vector<std::string> deferred, upto_xids;
  std::vector<std::int64_t> upto_ids;
  for (const DeferredShare& share : request.deferred) {
    deferred.push_back(share.handler);
    upto_xids.push_back(std::to_string(share.upto.xid));
    upto_ids.push_back(share.upto.id);
  }
  const PairArrays pairs(request.pairs);
  const std::string result =
      query(
          "select evd.close_window($1, $2, $3, $4, $5::text[]::xid8[], $6, $7, $8, $9, $10, $11, "
          "$12)",
          params(window.id, node, window.token, deferred, upto_xids, upto_ids, pairs.event_ids,
                 pairs.handlers, pairs.states, pairs.errors, pairs.retry_after, request.has_later))
          .string(0, 0);
  return result == "closed" ? CloseResult::k_closed
         : result == "busy" ? CloseResult::k_busy
                            : CloseResult::k_gone;
}

std::vector<WindowRef> PgJournal::reconcile(NodeId node, const Held& held) {
  if (ahead_) ahead_->forget();
  std::vector<std::int64_t> event_ids;
  std::vector<std::string> handlers;
  std::vector<int> runs;
  for (const FinishedRun& run : held.runs) {
    event_ids.push_back(run.event_id);
    handlers.push_back(run.handler);
    runs.push_back(run.run);
  }
  const pg::Result result = query("select id, token from evd.reconcile_node($1, $2, $3, $4, $5)",
                                  params(node, held.tokens, event_ids, handlers, runs));
  std::vector<WindowRef> windows;
  for (int row = 0; row < result.rows(); ++row)
    windows.push_back({result.int64(row, 0), result.int64(row, 1)});
  return windows;
}

std::optional<Part> PgJournal::take_part(NodeId node, std::int64_t token,
                                         const std::vector<std::string>& handlers,
                                         const SharesOnly& shares_only) {
  const pg::Result taken =
      query("select window_id, handler, upto_xid, upto_id from evd.take_part($1, $2, $3)",
            params(node, token, handlers));
  if (taken.empty()) return std::nullopt;
  Part part;
  part.ref = {taken.int64(0, 0), taken.string(0, 1), token};
  if (is_in(part.ref.handler, shares_only.handlers)) return part;
  static const std::string k_read =
      "select " + std::string(k_event_columns) +
      " from evd.window_events($1, $2::xid8, $3) e join evd.event_window w on w.id = $1"
      " join evd.route r on r.id = e.route_id and $4 = any (r.expected)"
      " where e.due_at is null or e.due_at <= w.opened_at order by e.xid, e.id";
  const pg::Result result = query(
      k_read, params(part.ref.window_id, taken.string(0, 2), taken.int64(0, 3), part.ref.handler),
      Format::k_binary);
  for (int row = 0; row < result.rows(); ++row) part.events.push_back(read_event(result, row, 0));
  return part;
}

bool PgJournal::close_part(NodeId node, const PartRef& part, const std::optional<Position>& upto,
                           const std::vector<OpenPair>& open) {
  const PairArrays pairs(open);
  std::optional<std::string> upto_xid;
  std::optional<std::int64_t> upto_id;
  if (upto) {
    upto_xid = std::to_string(upto->xid);
    upto_id = upto->id;
  }
  return query("select evd.close_part($1, $2, $3, $4, $5::xid8, $6, $7, $8, $9, $10)",
               params(part.window_id, part.handler, node, part.token, upto_xid, upto_id,
                      pairs.event_ids, pairs.states, pairs.errors, pairs.retry_after))
      .boolean(0, 0);
}

std::vector<Delivery> PgJournal::take_deliveries(NodeId node, const TakeRequest& request) {
  std::vector<std::string> handlers;
  std::vector<int> slots;
  std::vector<std::optional<std::string>> since;
  for (const HandlerSlots& handler : request.handlers) {
    handlers.push_back(handler.handler);
    slots.push_back(handler.slots);
    since.push_back(time_or_null(handler.due_since));
  }
  static const std::string k_take =
      "select " + std::string(k_event_columns) +
      ", t.handler, t.run, t.attempts, t.max_attempts, t.round, t.suspect"
      " from (select handler, run, attempts, max_attempts, round, suspect, (event).*"
      "       from evd.take_deliveries($1, $2, $3, $4, $5::interval,"
      "                                 $6::text[]::timestamptz[])) t"
      " cross join lateral (select t.id, t.xid, t.route_id, t.created_at, t.args, t.key, "
      "t.headers) e";
  const pg::Result result = query(
      k_take, params(node, handlers, slots, request.is_cron, interval(request.precedence), since),
      Format::k_binary);
  std::vector<Delivery> deliveries;
  for (int row = 0; row < result.rows(); ++row) {
    deliveries.push_back(
        {read_event(result, row, 0), result.string(row, k_event_width),
         result.int32(row, k_event_width + 1), result.int32(row, k_event_width + 2),
         result.int32(row, k_event_width + 3), result.int32(row, k_event_width + 4),
         result.boolean(row, k_event_width + 5)});
  }
  return deliveries;
}

int PgJournal::finish(NodeId node, const std::vector<FinishedRun>& runs) {
  std::vector<std::int64_t> event_ids;
  std::vector<std::string> handlers, outcomes;
  std::vector<int> numbers;
  std::vector<std::optional<std::string>> errors;
  std::vector<std::optional<double>> retry_after;
  for (const FinishedRun& run : runs) {
    event_ids.push_back(run.event_id);
    handlers.push_back(run.handler);
    numbers.push_back(run.run);
    outcomes.emplace_back(outcome_name(run.outcome.kind));
    errors.push_back(run.outcome.error.empty() ? std::nullopt : std::optional(run.outcome.error));
    retry_after.push_back(seconds(run.outcome.retry_after));
  }
  return query("select evd.finish_deliveries($1, $2, $3, $4, $5, $6, $7)",
               params(node, event_ids, handlers, numbers, outcomes, errors, retry_after))
      .int32(0, 0);
}

bool PgJournal::open_breaker(NodeId node, const std::string& handler, const std::string& error) {
  return query("select evd.open_breaker($1, $2, $3)", params(node, handler, error)).boolean(0, 0);
}

bool PgJournal::lease_probe(NodeId node, const std::string& handler) {
  return query("select evd.lease_probe($1, $2)", params(node, handler)).boolean(0, 0);
}

bool PgJournal::end_probe(NodeId node, const std::string& handler, bool was_heard) {
  return query("select evd.end_probe($1, $2, $3)", params(node, handler, was_heard)).boolean(0, 0);
}

PollResult PgJournal::poll(NodeId node, const PollRequest& request) {
  std::vector<std::optional<std::string>> since;
  for (const std::string& handler : request.handlers) {
    const auto known = request.due_since.find(handler);
    since.push_back(time_or_null(known == request.due_since.end() ? "" : known->second));
  }
  const pg::Result result = query(
      "select handler, is_paused, is_broken, may_probe, has_part, has_delivery, has_unread,"
      " has_alert, due_since from evd.poll($1, $2, $3, $4::interval, $5::text[]::timestamptz[])",
      params(node, request.handlers, request.is_cron, interval(request.precedence), since));
  PollResult poll;
  for (int row = 0; row < result.rows(); ++row) {
    poll.handlers.push_back({result.string(row, 0), result.boolean(row, 1), result.boolean(row, 2),
                             result.boolean(row, 3), result.boolean(row, 4), result.boolean(row, 5),
                             result.string(row, 8)});
    poll.has_unread = result.boolean(row, 6);
    poll.has_alert = result.boolean(row, 7);
  }
  return poll;
}

std::uint64_t PgJournal::arm() { return query("select evd.arm()", {}).uint64(0, 0); }

bool PgJournal::is_past(std::uint64_t armed) {
  return query("select evd.is_past($1::xid8)", params(armed)).boolean(0, 0);
}

void PgJournal::disarm() { query("select evd.disarm()", {}); }

std::vector<StaleNode> PgJournal::stale_nodes(Milliseconds timeout) {
  const pg::Result result =
      query("select id, name, heartbeat_at from evd.stale_nodes($1::interval)",
            params(interval(timeout)));
  std::vector<StaleNode> nodes;
  for (int row = 0; row < result.rows(); ++row) {
    nodes.push_back({result.int64(row, 0), result.string(row, 1), result.string(row, 2)});
  }
  return nodes;
}

bool PgJournal::fence(const StaleNode& node) {
  return query("select evd.fence_node($1, $2)", params(node.id, node.heartbeat_at)).boolean(0, 0);
}

int PgJournal::take_over(int limit) {
  return query("select evd.take_over($1)", params(limit)).int32(0, 0);
}

std::optional<Milliseconds> PgJournal::unread_age() {
  const pg::Result result = query(
      "select (extract(epoch from clock_timestamp() - evd.unread_since()) * 1000)::bigint", {});
  if (result.is_null(0, 0)) return std::nullopt;
  return Milliseconds{result.int64(0, 0)};
}

bool PgJournal::has_living_daemon(Milliseconds timeout) {
  return query("select evd.has_living_daemon($1::interval)", params(interval(timeout)))
      .boolean(0, 0);
}

Late PgJournal::mark_late(Milliseconds stalled_after, int limit) {
  const pg::Result result = query("select evd.mark_overdue($1), evd.mark_stalled($2::interval, $1)",
                                  params(limit, interval(stalled_after)));
  return {result.int32(0, 0), result.int32(0, 1)};
}

void PgJournal::watch(Milliseconds after) {
  query("select evd.watch($1::interval)", params(interval(after)));
}

int PgJournal::make_partitions(int days) {
  return query("select evd.make_partitions($1)", params(days)).int32(0, 0);
}

int PgJournal::summarize_log() { return query("select evd.summarize_log()", {}).int32(0, 0); }

std::vector<OldPartition> PgJournal::old_partitions(Milliseconds age) {
  const pg::Result result = query(
      "select name, coalesce(kept, '') from evd.old_partitions(clock_timestamp() - $1::interval)",
      params(interval(age)));
  std::vector<OldPartition> partitions;
  for (int row = 0; row < result.rows(); ++row)
    partitions.push_back({result.string(row, 0), result.string(row, 1)});
  return partitions;
}

std::string PgJournal::drop_partition(const std::string& name) {
  return query("select coalesce(evd.drop_partition($1), '')", params(name)).string(0, 0);
}

int PgJournal::prune(Milliseconds age, int limit) {
  return query("select evd.prune(clock_timestamp() - $1::interval, $2)",
               params(interval(age), limit))
      .int32(0, 0);
}

bool PgJournal::has_outstanding() {
  return query("select evd.has_outstanding()", {}).boolean(0, 0);
}

int PgJournal::escalated_by(NodeId node) {
  return query("select evd.escalated_by($1)", params(node)).int32(0, 0);
}

}  // namespace evd::journal
