#include "common/journal/memory_tables.hpp"

#include <algorithm>
#include <cmath>

namespace evd::journal {
namespace {

constexpr const char* k_died = "the process that ran it died, in its last attempt";
constexpr std::chrono::seconds k_host_timeout{30};

}  // namespace

const MemoryTables::RouteRow& MemoryTables::route_of(const LogRow& row) const {
  return routes.at(static_cast<std::size_t>(row.event.route_id - 1));
}

const MemoryTables::HandlerRow* MemoryTables::handler(const std::string& name) const {
  const auto found = handlers.find(name);
  return found == handlers.end() ? nullptr : &found->second;
}

int MemoryTables::max_attempts(const std::string& name) const {
  const HandlerRow* row = handler(name);
  return row ? row->policy.max_attempts : HandlerPolicy{}.max_attempts;
}

bool MemoryTables::is_hosted(const std::string& name) const {
  return std::any_of(nodes.begin(), nodes.end(), [&](const auto& entry) {
    const NodeRow& node = entry.second;
    const auto& hosted = node.info.handlers;
    return node.info.kind == "evd" && !node.is_fenced &&
           node.heartbeat_at > now() - k_host_timeout &&
           std::find(hosted.begin(), hosted.end(), name) != hosted.end();
  });
}

MemoryTables::TimePoint MemoryTables::due_before(const std::string& name, bool is_cron,
                                                 Milliseconds precedence) const {
  return is_cron && is_hosted(name) ? now() - precedence : now();
}

bool MemoryTables::is_probe_leased(const HandlerRow& row) const {
  return row.probe_node != 0 && row.probe_until >= now();
}

bool MemoryTables::may_probe(const HandlerRow& row, NodeId node) const {
  return is_probe_leased(row) ? row.probe_node == node : row.probe_at <= now();
}

bool MemoryTables::is_let_through(const HandlerRow& row, NodeId node) const {
  return !row.is_paused && (!row.is_broken || (is_probe_leased(row) && row.probe_node == node));
}

void MemoryTables::free_probes(NodeId node) {
  for (auto& [name, row] : handlers) {
    if (row.probe_node == node) row.probe_node = 0;
  }
}

void MemoryTables::close_breaker(const std::string& name) {
  HandlerRow& row = handlers.at(name);
  if (!row.is_broken) return;
  row.is_broken = false;
  row.breaker_error.clear();
  row.probes = 0;
  row.probe_node = 0;
  tell_handler_recovered(name);
}

void MemoryTables::tell_handler_recovered(const std::string& name) {
  const bool is_stalled = std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
    return part.first.second == name && part.second.is_deferred && part.second.is_stalled;
  });
  if (!is_stalled && !handlers.at(name).is_broken)
    alerts.push_back({"recovered", "", 0, name, 0, ""});
}

bool MemoryTables::is_fenced(NodeId node) const {
  const auto found = nodes.find(node);
  return found == nodes.end() || found->second.is_fenced;
}

void MemoryTables::require_living(NodeId node) const {
  if (is_fenced(node)) throw NodeFenced("node " + std::to_string(node) + " is fenced");
}

MemoryTables::WindowRow* MemoryTables::held_window(NodeId node, const WindowRef& ref) {
  if (ref.id < 1 || ref.id > static_cast<std::int64_t>(windows.size())) return nullptr;
  WindowRow& window = windows[static_cast<std::size_t>(ref.id - 1)];
  return window.ref == ref && window.node == node && !window.is_closed ? &window : nullptr;
}

bool MemoryTables::contains(const WindowRow& window, std::int64_t event_id) const {
  const auto index = static_cast<std::size_t>(event_id - 1);
  return index >= window.begin && index < window.end;
}

bool MemoryTables::is_later(const WindowRow& window, const LogRow& row) const {
  return row.due_at && *row.due_at > window.opened_at;
}

bool MemoryTables::is_expected(const LogRow& row, const std::string& name) const {
  const auto& expected = route_of(row).route.expected;
  return std::find(expected.begin(), expected.end(), name) != expected.end();
}

void MemoryTables::settle_window(WindowRow& window, const std::vector<DeferredShare>& deferred,
                                 const std::vector<OpenPair>& open,
                                 const std::vector<PairKey>& lost, bool has_later) {
  const auto begin = parts.lower_bound({window.ref.id, ""});
  const auto end = parts.lower_bound({window.ref.id + 1, ""});
  const Position last = log.at(window.end - 1).event.position();
  for (auto part = begin; part != end; ++part) {
    if (part->second.upto < last) part->second.is_deferred = true;
  }
  if (has_later) spill_later(window);
  for (const OpenPair& pair : open) spill(window, window.node, pair, false);
  for (const PairKey& key : lost) {
    OpenPair pair;
    pair.event_id = key.first;
    pair.handler = key.second;
    spill(window, window.node, pair, true);
  }
  for (const DeferredShare& share : deferred) {
    parts.try_emplace({window.ref.id, share.handler},
                      PartRow{true, share.upto, 0, 0, now(), now(), false});
  }
  std::erase_if(parts, [&](const auto& part) {
    return part.first.first == window.ref.id && !part.second.is_deferred;
  });
  fail_spilled(window.node, open);
  for (const PairKey& key : lost) fail_delivery(key, 1, window.node, k_died, false, std::nullopt);
  window.is_closed = true;
}

std::vector<DeferredShare> MemoryTables::whole_shares(const WindowRow& window) const {
  std::vector<DeferredShare> shares;
  for (std::size_t index = window.begin; index < window.end; ++index) {
    for (const std::string& name : route_of(log[index]).route.expected) {
      shares.push_back({name, Position{}});  // again for each event; the first one counts
    }
  }
  return shares;
}

void MemoryTables::free_part(PartRow& part) const {
  part.node = part.token = 0;
  part.next_at = now();
}

void MemoryTables::give_back_unknown(NodeId node, const std::vector<FinishedRun>& known) {
  for (auto& [key, pair] : pairs) {
    DeliveryRow& row = pair.row;
    if (row.state != "running" || row.node != node) continue;
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const FinishedRun& run) {
      return run.event_id == row.event_id && run.handler == row.handler && run.run == row.run;
    });
    if (is_known) continue;
    row.state = "waiting";
    row.node = 0;
    --row.attempts;
    pair.next_at = now();
  }
}

// Pairs of sql handlers have not run, or are covered by a part; all others may have run.
void MemoryTables::take_over_window(WindowRow& window) {
  std::vector<DeferredShare> shares = whole_shares(window);
  std::erase_if(shares, [&](const DeferredShare& share) {
    const HandlerRow* known = handler(share.handler);
    return !known || !known->policy.is_sql;
  });
  std::vector<PairKey> lost;
  for (std::size_t index = window.begin; index < window.end; ++index) {
    const LogRow& row = log[index];
    for (const std::string& name : route_of(row).route.expected) {
      const HandlerRow* known = handler(name);
      const bool is_sql = known && known->policy.is_sql;
      if (!is_sql && !is_later(window, row)) lost.emplace_back(row.event.id, name);
    }
  }
  settle_window(window, shares, {}, lost, true);
}

void MemoryTables::spill(const WindowRow& window, NodeId node, const OpenPair& pair, bool is_lost) {
  const auto part = parts.find({window.ref.id, pair.handler});
  const bool is_covered = part != parts.end() && !part->second.is_deferred;
  if (is_covered || !contains(window, pair.event_id)) return;
  const LogRow& row = event(pair.event_id);
  const bool is_started = is_lost || pair.state != OpenPair::State::k_queued;
  PairRow added;
  added.row.event_id = pair.event_id;
  added.row.handler = pair.handler;
  added.row.max_attempts = max_attempts(pair.handler);
  added.row.run = added.row.attempts = is_started ? 1 : 0;
  const bool is_running = is_started && !(is_lost && added.row.max_attempts > 1);
  added.row.state = is_running ? "running" : "waiting";
  added.row.node = is_running ? node : 0;
  added.row.is_suspect = is_lost;
  added.next_at = added.created_at = now();
  added.deadline_at = row.since() + route_of(row).deadline;
  pairs.try_emplace({pair.event_id, pair.handler}, std::move(added));
}

void MemoryTables::spill_later(const WindowRow& window) {
  for (std::size_t index = window.begin; index < window.end; ++index) {
    const LogRow& row = log[index];
    if (!is_later(window, row)) continue;
    for (const std::string& name : route_of(row).route.expected) {
      PairRow added;
      added.row.event_id = row.event.id;
      added.row.handler = name;
      added.row.state = "waiting";
      added.row.max_attempts = max_attempts(name);
      added.next_at = *row.due_at;
      added.deadline_at = *row.due_at + route_of(row).deadline;
      added.created_at = now();
      pairs.try_emplace({row.event.id, name}, std::move(added));
    }
  }
}

void MemoryTables::fail_spilled(NodeId node, const std::vector<OpenPair>& open) {
  for (const OpenPair& pair : open) {
    const bool is_failed = pair.state == OpenPair::State::k_failed;
    if (!is_failed && pair.state != OpenPair::State::k_retry) continue;
    fail_delivery({pair.event_id, pair.handler}, 1, node, pair.error, is_failed, pair.retry_after);
  }
}

MemoryTables::PairRow* MemoryTables::running(const PairKey& key, int run, NodeId node) {
  const auto found = pairs.find(key);
  if (found == pairs.end()) return nullptr;
  const DeliveryRow& row = found->second.row;
  const bool is_it = row.state == "running" && row.run == run && row.node == node;
  return is_it ? &found->second : nullptr;
}

bool MemoryTables::end_delivery(const PairKey& key, int run, NodeId node) {
  PairRow* pair = running(key, run, node);
  if (!pair) return false;
  DeliveryRow& row = pair->row;
  const bool had_trouble =
      run != 1 || !row.last_error.empty() || pair->round != 0 || row.is_suspect || row.is_alerted;
  if (!had_trouble) {
    pairs.erase(key);
    return true;
  }
  row.state = "done";
  row.node = 0;
  row.handed_back = 0;
  if (row.is_alerted) raise_alert("recovered", *pair, "");
  return true;
}

bool MemoryTables::hand_back(const PairKey& key, int run, NodeId node) {
  PairRow* pair = running(key, run, node);
  if (!pair) return false;
  DeliveryRow& row = pair->row;
  if (row.handed_back >= 2) {
    return fail_delivery(key, run, node, "interrupted by a stop for the third time in a row", false,
                         std::nullopt);
  }
  row.state = "waiting";
  row.node = 0;
  --row.attempts;
  ++row.handed_back;
  pair->next_at = now();
  return true;
}

bool MemoryTables::fail_delivery(const PairKey& key, int run, NodeId node, const std::string& error,
                                 bool is_permanent,
                                 const std::optional<Milliseconds>& retry_after) {
  PairRow* pair = running(key, run, node);
  if (!pair) return false;
  DeliveryRow& row = pair->row;
  const bool is_over = is_permanent || row.attempts >= row.max_attempts;
  row.state = is_over ? "escalated" : "waiting";
  row.node = 0;
  row.handed_back = 0;
  row.last_error = error;
  pair->next_at = now() + std::max(retry_delay(row.handler, row.attempts),
                                   retry_after.value_or(Milliseconds{0}));
  const HandlerRow* known = handler(row.handler);
  if (is_over) {
    raise_alert("escalated", *pair, error);
  } else if (known && row.attempts == known->policy.alert_after) {
    raise_alert("failing", *pair, error);
  }
  return true;
}

Milliseconds MemoryTables::probe_delay(const std::string& name, int failed) {
  return std::min(retry_delay(name, failed + 1), Milliseconds{60'000});
}

Milliseconds MemoryTables::retry_delay(const std::string& name, int attempts) {
  const HandlerRow* known = handler(name);
  const HandlerPolicy policy = known ? known->policy : HandlerPolicy{};
  const double factor = std::min(std::pow(policy.backoff_factor, std::max(attempts - 1, 0)), 1e9);
  const double delay = std::min(static_cast<double>(policy.backoff_base.count()) * factor,
                                static_cast<double>(policy.backoff_max.count()));
  std::uniform_real_distribution<double> spread(-1, 1);
  return Milliseconds{std::llround(delay * (1 + policy.backoff_jitter * spread(random)))};
}

void MemoryTables::raise_alert(const std::string& kind, PairRow& pair, const std::string& error) {
  const DeliveryRow& row = pair.row;
  alerts.push_back({kind, route_of(event(row.event_id)).route.event_name, row.event_id, row.handler,
                    row.attempts, error});
  pair.row.is_alerted = kind != "recovered";
}

std::string MemoryTables::why_stalled(const std::string& name,
                                      const std::string& last_error) const {
  const HandlerRow* known = handler(name);
  if (known && known->is_paused) return "paused by somebody";
  if (known && known->is_broken) return "out of reach (breaker open): " + known->breaker_error;
  if (!is_hosted(name)) return "hosted by no running evd";
  return last_error.empty() ? "waiting for its turn" : "failing: " + last_error;
}

bool MemoryTables::is_done(std::int64_t event_id, const std::string& name) const {
  const auto pair = pairs.find({event_id, name});
  if (pair != pairs.end()) return pair->second.row.state == "done";
  const auto window = std::find_if(windows.begin(), windows.end(),
                                   [&](const auto& row) { return contains(row, event_id); });
  if (window == windows.end()) return false;
  const auto part = parts.find({window->ref.id, name});
  const bool is_covered =
      part != parts.end() && event(event_id).event.position() <= part->second.upto;
  if (!window->is_closed) return is_covered;
  return part == parts.end() || is_covered;
}

}  // namespace evd::journal
