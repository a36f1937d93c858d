// MemoryJournal's nodes, deliveries and recovery.
#include <algorithm>
#include <utility>

#include "common/journal/memory_journal.hpp"
#include "common/journal/memory_tables.hpp"

namespace evd::journal {
namespace {

using Lock = std::lock_guard<std::mutex>;
using PairRow = MemoryTables::PairRow;

constexpr std::chrono::seconds k_probe_lease{30};

bool is_unresolved(const PairRow& pair) {
  return pair.row.state == "waiting" || pair.row.state == "running";
}

constexpr std::chrono::seconds k_look_back{10};

// Times as this journal writes them.
std::string write_time(Clock::TimePoint time) {
  return std::to_string(time.time_since_epoch().count());
}
Clock::TimePoint read_time(const std::string& text) {
  return Clock::TimePoint{Clock::TimePoint::duration{std::stoll(text)}};
}

// Those of a handler that may start now, oldest first.
std::vector<PairRow*> due_pairs(MemoryTables& tables, const std::string& handler,
                                const TakeRequest& request, const std::string& due_since) {
  std::vector<PairRow*> due;
  const auto* known = tables.handler(handler);
  if (!known) return due;
  const auto before = tables.due_before(handler, request.is_cron, request.precedence);
  const auto since = due_since.empty() ? Clock::TimePoint::min() : read_time(due_since);
  for (auto& [key, pair] : tables.pairs) {
    const bool is_mine = request.is_cron || !known->policy.is_cron || pair.row.attempts == 0;
    if (pair.row.handler == handler && pair.row.state == "waiting" && pair.next_at >= since &&
        pair.next_at <= before && is_mine) {
      due.push_back(&pair);
    }
  }
  std::stable_sort(due.begin(), due.end(), [](const PairRow* left, const PairRow* right) {
    return left->next_at < right->next_at;
  });
  return due;
}

// Running pairs of a dead node become due; one in its last attempt escalates.
void free_pair(MemoryTables& tables, const MemoryTables::PairKey& key, PairRow& pair) {
  DeliveryRow& row = pair.row;
  if (row.attempts >= row.max_attempts) {
    tables.fail_delivery(key, row.run, row.node,
                         "the process that ran it died, in its last attempt", true, std::nullopt);
    return;
  }
  row.state = "waiting";
  row.node = 0;
  row.is_suspect = true;
  pair.next_at = tables.now();
}

int take_over_windows(MemoryTables& tables, int limit) {
  int done = 0;
  for (auto& window : tables.windows) {
    if (done == limit) break;
    if (window.is_closed || !tables.is_fenced(window.node)) continue;
    tables.take_over_window(window);
    ++done;
  }
  return done;
}

int free_parts(MemoryTables& tables, int limit) {
  int done = 0;
  for (auto& [key, part] : tables.parts) {
    if (done == limit) break;
    if (!part.is_deferred || part.node == 0 || !tables.is_fenced(part.node)) continue;
    part.node = part.token = 0;
    ++done;
  }
  return done;
}

int free_pairs(MemoryTables& tables, int limit) {
  int done = 0;
  for (auto& [key, pair] : tables.pairs) {
    if (done == limit) break;
    if (pair.row.state != "running" || !tables.is_fenced(pair.row.node)) continue;
    free_pair(tables, key, pair);
    ++done;
  }
  return done;
}

}  // namespace

NodeId MemoryJournal::register_node(const NodeInfo& info) {
  const Lock lock(mutex_);
  const NodeId id = static_cast<NodeId>(tables_->nodes.size()) + 1;
  tables_->nodes[id] = {info, tables_->now()};
  return id;
}

bool MemoryJournal::heartbeat(NodeId node) {
  const Lock lock(mutex_);
  if (tables_->is_fenced(node)) return false;
  MemoryTables::NodeRow& row = tables_->nodes.at(node);
  row.heartbeat_at = tables_->now();
  ++row.beats;
  return true;
}

void MemoryJournal::leave(NodeId node) {
  const Lock lock(mutex_);
  const auto found = tables_->nodes.find(node);
  if (found != tables_->nodes.end()) found->second.is_fenced = true;
  tables_->free_probes(node);
}

std::vector<Delivery> MemoryJournal::take_deliveries(NodeId node, const TakeRequest& request) {
  const Lock lock(mutex_);
  tables_->require_living(node);
  std::vector<Delivery> taken;
  for (const HandlerSlots& slots : request.handlers) {
    int left = slots.slots;
    const auto* known = tables_->handler(slots.handler);
    if (!known || !tables_->is_let_through(*known, node)) continue;
    for (PairRow* pair : due_pairs(*tables_, slots.handler, request, slots.due_since)) {
      if (left-- <= 0) break;
      DeliveryRow& row = pair->row;
      row.state = "running";
      row.node = node;
      ++row.run;
      ++row.attempts;
      taken.push_back({tables_->event(row.event_id).event, row.handler, row.run, row.attempts,
                       row.max_attempts, pair->round, row.is_suspect});
    }
  }
  return taken;
}

int MemoryJournal::finish(NodeId node, const std::vector<FinishedRun>& runs) {
  const Lock lock(mutex_);
  int applied = 0;
  for (const FinishedRun& run : runs) {
    const MemoryTables::PairKey key{run.event_id, run.handler};
    const Outcome& outcome = run.outcome;
    bool is_mine = false;
    if (outcome.kind == OutcomeKind::k_done) {
      is_mine = tables_->end_delivery(key, run.run, node);
    } else if (outcome.kind == OutcomeKind::k_handed_back) {
      is_mine = tables_->hand_back(key, run.run, node);
    } else {
      is_mine = tables_->fail_delivery(key, run.run, node, outcome.error,
                                       outcome.kind == OutcomeKind::k_failed, outcome.retry_after);
    }
    applied += is_mine ? 1 : 0;
  }
  return applied;
}

bool MemoryJournal::open_breaker(NodeId node, const std::string& handler,
                                 const std::string& error) {
  const Lock lock(mutex_);
  tables_->require_living(node);
  MemoryTables::HandlerRow& row = tables_->handlers.at(handler);
  if (std::exchange(row.is_broken, true)) return false;
  row.breaker_error = error;
  row.probe_at = tables_->now() + tables_->probe_delay(handler, 0);
  tables_->alerts.push_back({"stalled", "", 0, handler, 0, tables_->why_stalled(handler, "")});
  return true;
}

bool MemoryJournal::lease_probe(NodeId node, const std::string& handler) {
  const Lock lock(mutex_);
  tables_->require_living(node);
  MemoryTables::HandlerRow& row = tables_->handlers.at(handler);
  if (!row.is_broken || !tables_->may_probe(row, node)) return false;
  row.probe_node = node;
  row.probe_until = tables_->now() + k_probe_lease;
  return true;
}

bool MemoryJournal::end_probe(NodeId node, const std::string& handler, bool was_heard) {
  const Lock lock(mutex_);
  MemoryTables::HandlerRow& row = tables_->handlers.at(handler);
  if (!tables_->is_probe_leased(row) || row.probe_node != node) return false;
  if (was_heard) {
    tables_->close_breaker(handler);
    return true;
  }
  row.probe_node = 0;
  row.probe_at = tables_->now() + tables_->probe_delay(handler, ++row.probes);
  return true;
}

PollResult MemoryJournal::poll(NodeId node, const PollRequest& request) {
  const Lock lock(mutex_);
  PollResult result;
  const TakeRequest take{{}, request.is_cron, request.precedence};
  for (const std::string& name : request.handlers) {
    const auto* known = tables_->handler(name);
    HandlerState state{.handler = name};
    if (known) {
      state.is_paused = known->is_paused;
      state.is_broken = known->is_broken;
      state.may_probe = known->is_broken && tables_->may_probe(*known, node);
    }
    const auto before = tables_->due_before(name, request.is_cron, request.precedence);
    state.has_part =
        std::any_of(tables_->parts.begin(), tables_->parts.end(), [&](const auto& entry) {
          const auto& [key, part] = entry;
          return key.second == name && part.is_deferred && part.node == 0 && part.next_at <= before;
        });
    const auto known_since = request.due_since.find(name);
    const std::vector<PairRow*> due = due_pairs(
        *tables_, name, take, known_since == request.due_since.end() ? "" : known_since->second);
    state.has_delivery = !due.empty();
    state.due_since = write_time(due.empty() ? before - k_look_back
                                             : std::min(due[0]->next_at, before - k_look_back));
    result.handlers.push_back(state);
  }
  result.has_unread = !tables_->windows.empty() ? tables_->windows.back().end < tables_->log.size()
                                                : !tables_->log.empty();
  result.has_alert = !tables_->alerts.empty();
  return result;
}

std::uint64_t MemoryJournal::arm() {
  const Lock lock(mutex_);
  tables_->is_armed = true;
  return tables_->log.size();
}

bool MemoryJournal::is_past(std::uint64_t /*armed*/) { return true; }  // no emit takes time

void MemoryJournal::disarm() {
  const Lock lock(mutex_);
  tables_->is_armed = false;
}

std::vector<StaleNode> MemoryJournal::stale_nodes(Milliseconds timeout) {
  const Lock lock(mutex_);
  std::vector<StaleNode> stale;
  for (const auto& [id, node] : tables_->nodes) {
    if (!node.is_fenced && node.heartbeat_at < tables_->now() - timeout)
      stale.push_back({id, node.info.name, std::to_string(node.beats)});
  }
  return stale;
}

bool MemoryJournal::fence(const StaleNode& node) {
  const Lock lock(mutex_);
  const auto found = tables_->nodes.find(node.id);
  if (found == tables_->nodes.end() || found->second.is_fenced ||
      std::to_string(found->second.beats) != node.heartbeat_at) {
    return false;
  }
  found->second.is_fenced = true;
  tables_->free_probes(node.id);
  tables_->alerts.push_back({"node_lost", "", 0, "", 0, found->second.info.name});
  return true;
}

int MemoryJournal::take_over(int limit) {
  const Lock lock(mutex_);
  return take_over_windows(*tables_, limit) + free_parts(*tables_, limit) +
         free_pairs(*tables_, limit);
}

std::optional<Milliseconds> MemoryJournal::unread_age() {
  const Lock lock(mutex_);
  const std::size_t next = tables_->windows.empty() ? 0 : tables_->windows.back().end;
  if (next == tables_->log.size()) return std::nullopt;
  return std::chrono::duration_cast<Milliseconds>(tables_->now() - tables_->log[next].created_at);
}

bool MemoryJournal::has_living_daemon(Milliseconds timeout) {
  const Lock lock(mutex_);
  return std::any_of(tables_->nodes.begin(), tables_->nodes.end(), [&](const auto& entry) {
    const auto& node = entry.second;
    return node.info.kind == "evd" && !node.info.handlers.empty() && !node.is_fenced &&
           node.heartbeat_at > tables_->now() - timeout;
  });
}

Late MemoryJournal::mark_late(Milliseconds stalled_after, int limit) {
  const Lock lock(mutex_);
  return {mark_overdue(limit), mark_stalled(stalled_after, limit)};
}

// Under the lock.
int MemoryJournal::mark_overdue(int limit) {
  std::vector<PairRow*> late;
  for (auto& [key, pair] : tables_->pairs) {
    if (is_unresolved(pair) && !pair.is_overdue && pair.deadline_at < tables_->now())
      late.push_back(&pair);
  }
  std::stable_sort(late.begin(), late.end(), [](const PairRow* left, const PairRow* right) {
    return left->deadline_at < right->deadline_at;
  });
  late.resize(std::min(late.size(), static_cast<std::size_t>(limit)));
  for (PairRow* pair : late) {
    pair->is_overdue = true;
    const DeliveryRow& row = pair->row;
    const auto& route = tables_->route_of(tables_->event(row.event_id));
    if (!route.alert_timeout) continue;
    tables_->alerts.push_back({"timeout", route.route.event_name, row.event_id, row.handler,
                               row.attempts, row.last_error});
  }
  return static_cast<int>(late.size());
}

// Under the lock.
int MemoryJournal::mark_stalled(Milliseconds after, int limit) {
  const auto before = tables_->now() - after;
  int told = 0;
  for (auto& [key, pair] : tables_->pairs) {
    if (told == limit) break;
    const auto since = std::max(pair.created_at, tables_->event(key.first).since());
    if (!is_unresolved(pair) || pair.is_stalled || since >= before) continue;
    pair.is_stalled = true;
    tables_->raise_alert("stalled", pair, tables_->why_stalled(key.second, pair.row.last_error));
    ++told;
  }
  for (auto& [key, part] : tables_->parts) {
    if (!part.is_deferred || part.is_stalled || part.created_at >= before) continue;
    part.is_stalled = true;
    tables_->alerts.push_back(
        {"stalled", "", 0, key.second, 0, tables_->why_stalled(key.second, "")});
    ++told;
  }
  return told;
}

void MemoryJournal::watch(Milliseconds /*after*/) {}

int MemoryJournal::make_partitions(int /*days*/) { return 0; }

int MemoryJournal::summarize_log() { return 0; }

// Its log is one piece, and ends with the process.
std::vector<OldPartition> MemoryJournal::old_partitions(Milliseconds /*age*/) { return {}; }

std::string MemoryJournal::drop_partition(const std::string& /*name*/) {
  return "there is no such partition";
}

int MemoryJournal::prune(Milliseconds /*age*/, int /*limit*/) { return 0; }

}  // namespace evd::journal
