#include "common/journal/memory_journal.hpp"

#include <algorithm>

#include "common/base/random.hpp"
#include "common/journal/memory_tables.hpp"

namespace evd::journal {
namespace {

using Lock = std::lock_guard<std::mutex>;

constexpr std::chrono::seconds k_part_precedence{30};  // of a living evd, before evrecover
constexpr std::uint64_t k_first_xid = 1000;            // every event has a transaction of its own
constexpr std::chrono::microseconds k_epoch{1'767'225'600'000'000};  // 2026-01-01

std::int64_t microseconds(Clock::TimePoint time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  return (k_epoch + since).count();
}

template <typename Value>
bool is_in(const Value& value, const std::vector<Value>& values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

MemoryJournal::MemoryJournal(const Clock& clock) : tables_(std::make_unique<MemoryTables>(clock)) {}

MemoryJournal::~MemoryJournal() = default;

int MemoryJournal::add_route(const std::string& event_name, std::vector<std::string> expected,
                             Milliseconds deadline, bool alert_timeout) {
  const Lock lock(mutex_);
  const int id = static_cast<int>(tables_->routes.size()) + 1;
  tables_->routes.push_back({{id, event_name, std::move(expected)}, deadline, alert_timeout});
  return id;
}

void MemoryJournal::set_handler(HandlerPolicy policy) {
  const Lock lock(mutex_);
  const std::string name = policy.name;
  tables_->handlers[name].policy = std::move(policy);
}

void MemoryJournal::pause(const std::string& handler) {
  const Lock lock(mutex_);
  tables_->handlers.at(handler).is_paused = true;
}

void MemoryJournal::resume(const std::string& handler) {
  const Lock lock(mutex_);
  tables_->close_breaker(handler);
  tables_->handlers.at(handler).is_paused = false;
}

std::int64_t MemoryJournal::emit(const std::string& event_name, const std::string& args,
                                 const EmitOptions& options) {
  const Lock lock(mutex_);
  const auto& routes = tables_->routes;
  const auto route = std::find_if(routes.rbegin(), routes.rend(), [&](const auto& row) {
    return row.route.event_name == event_name;
  });
  if (route == routes.rend()) throw Error("no such event: \"" + event_name + "\"");
  MemoryTables::LogRow row;
  row.created_at = tables_->now();
  if (options.deliver_after) row.due_at = row.created_at + *options.deliver_after;
  row.event.id = static_cast<std::int64_t>(tables_->log.size()) + 1;
  row.event.xid = k_first_xid + tables_->log.size();
  row.event.route_id = route->route.id;
  row.event.created_at_us = microseconds(row.created_at);
  row.event.args = args;
  row.event.key = options.key;
  tables_->log.push_back(row);
  return row.event.id;
}

bool MemoryJournal::record_share(NodeId node, const WindowRef& window, const std::string& handler,
                                 const Position& upto) {
  const Lock lock(mutex_);
  if (!tables_->held_window(node, window)) return false;
  MemoryTables::PartRow& part = tables_->parts[{window.id, handler}];
  part.upto = upto;
  part.next_at = part.created_at = tables_->now();
  return true;
}

std::vector<DeliveryRow> MemoryJournal::deliveries() const {
  const Lock lock(mutex_);
  std::vector<DeliveryRow> rows;
  for (const auto& [key, pair] : tables_->pairs) {
    rows.push_back(pair.row);
    rows.back().due_in = std::chrono::duration_cast<Milliseconds>(pair.next_at - tables_->now());
  }
  return rows;
}

std::vector<AlertRow> MemoryJournal::alerts() const {
  const Lock lock(mutex_);
  return tables_->alerts;
}

bool MemoryJournal::settled(std::int64_t event_id) const {
  const Lock lock(mutex_);
  const auto& expected = tables_->route_of(tables_->event(event_id)).route.expected;
  return std::all_of(expected.begin(), expected.end(), [&](const std::string& handler) {
    return tables_->is_done(event_id, handler);
  });
}

bool MemoryJournal::is_armed() const {
  const Lock lock(mutex_);
  return tables_->is_armed;
}

std::vector<Route> MemoryJournal::routes() {
  const Lock lock(mutex_);
  std::vector<Route> routes;
  for (const auto& row : tables_->routes) routes.push_back(row.route);
  return routes;
}

std::optional<Window> MemoryJournal::claim(NodeId node, const ClaimRequest& request) {
  const Lock lock(mutex_);
  auto& begun = tables_->begun[node];
  std::optional<Window> window;
  if (begun.empty()) window = claim_now(node, request);
  while (!window && !begun.empty()) {
    window = std::move(begun.front());
    begun.pop_front();
  }
  if (!window) return window;
  while (window->size() >= request.limit && begun.size() < request.ahead)
    begun.push_back(claim_now(node, {random_token(), request.limit, request.shares_only}));
  window->ahead = begun.size();
  return window;
}

// Under the lock.
std::optional<Window> MemoryJournal::claim_now(NodeId node, const ClaimRequest& request) {
  tables_->require_living(node);
  auto& windows = tables_->windows;
  const std::size_t begin = windows.empty() ? 0 : windows.back().end;
  const std::size_t end =
      std::min(tables_->log.size(), begin + static_cast<std::size_t>(request.limit));
  if (begin == end) return std::nullopt;
  const WindowRef ref{static_cast<std::int64_t>(windows.size()) + 1, request.token};
  windows.push_back({ref, node, begin, end, tables_->now(), false});
  Window window{ref, {}, {}};
  for (std::size_t index = begin; index < end; ++index) {
    Event event = tables_->log[index].event;
    event.is_later = tables_->is_later(windows.back(), tables_->log[index]);
    if (is_in(event.route_id, request.shares_only.routes)) {
      window.count(event.route_id, 1, event.is_later ? 1 : 0);
    } else {
      window.events.push_back(std::move(event));
    }
  }
  return window;
}

CloseResult MemoryJournal::close(NodeId node, const WindowRef& window,
                                 const CloseRequest& request) {
  const Lock lock(mutex_);
  MemoryTables::WindowRow* row = tables_->held_window(node, window);
  if (!row) return CloseResult::k_gone;
  tables_->settle_window(*row, request.deferred, request.pairs, {}, request.has_later);
  return CloseResult::k_closed;
}

std::vector<WindowRef> MemoryJournal::reconcile(NodeId node, const Held& held) {
  const Lock lock(mutex_);
  tables_->require_living(node);
  tables_->begun.erase(node);
  const auto knows = [&](std::int64_t token) {
    return std::find(held.tokens.begin(), held.tokens.end(), token) != held.tokens.end();
  };
  std::vector<WindowRef> left;
  for (auto& window : tables_->windows) {
    if (window.node != node || window.is_closed) continue;
    if (knows(window.ref.token)) {
      left.push_back(window.ref);
    } else {
      tables_->settle_window(window, tables_->whole_shares(window), {}, {}, true);
    }
  }
  for (auto& [key, part] : tables_->parts) {
    if (part.is_deferred && part.node == node && !knows(part.token)) tables_->free_part(part);
  }
  tables_->give_back_unknown(node, held.runs);
  return left;
}

std::optional<Part> MemoryJournal::take_part(NodeId node, std::int64_t token,
                                             const std::vector<std::string>& handlers,
                                             const SharesOnly& shares_only) {
  const Lock lock(mutex_);
  tables_->require_living(node);
  const bool is_cron = tables_->nodes.at(node).info.kind == "evrecover";
  const auto found =
      std::find_if(tables_->parts.begin(), tables_->parts.end(), [&](const auto& entry) {
        const auto& [key, part] = entry;
        const auto* known = tables_->handler(key.second);
        return part.is_deferred && part.node == 0 &&
               part.next_at <= tables_->due_before(key.second, is_cron, k_part_precedence) &&
               known && tables_->is_let_through(*known, node) &&
               std::find(handlers.begin(), handlers.end(), key.second) != handlers.end();
      });
  if (found == tables_->parts.end()) return std::nullopt;
  const auto& [window_id, handler] = found->first;
  found->second.node = node;
  found->second.token = token;
  Part part{{window_id, handler, token}, {}};
  if (is_in(handler, shares_only.handlers)) return part;
  const auto& window = tables_->windows[static_cast<std::size_t>(window_id - 1)];
  for (std::size_t index = window.begin; index < window.end; ++index) {
    const auto& row = tables_->log[index];
    if (row.event.position() > found->second.upto && !tables_->is_later(window, row) &&
        tables_->is_expected(row, handler)) {
      part.events.push_back(row.event);
    }
  }
  return part;
}

bool MemoryJournal::close_part(NodeId node, const PartRef& part,
                               const std::optional<Position>& upto,
                               const std::vector<OpenPair>& pairs) {
  const Lock lock(mutex_);
  const auto found = tables_->parts.find({part.window_id, part.handler});
  if (found == tables_->parts.end() || found->second.node != node ||
      found->second.token != part.token) {
    return false;
  }
  if (upto) {
    tables_->free_part(found->second);
    found->second.upto = *upto;
  } else {
    const bool was_told = found->second.is_stalled;
    tables_->parts.erase(found);
    if (was_told) tables_->tell_handler_recovered(part.handler);
  }
  const auto& window = tables_->windows[static_cast<std::size_t>(part.window_id - 1)];
  for (const OpenPair& pair : pairs) tables_->spill(window, node, pair, false);
  tables_->fail_spilled(node, pairs);
  return true;
}

}  // namespace evd::journal
