#include "common/recovery/watch.hpp"

#include <algorithm>

namespace evd::recovery {

NodeWatch::NodeWatch(const Clock& clock, logging::Logger& logger, Milliseconds timeout,
                     Milliseconds watch_for)
    : clock_(clock), logger_(logger), timeout_(timeout), watch_for_(watch_for) {}

int NodeWatch::look(journal::Journal& journal) {
  const Clock::TimePoint now = clock_.now();
  std::map<journal::StaleNode, Clock::TimePoint> seen;
  int fenced = 0;
  for (const journal::StaleNode& node : journal.stale_nodes(timeout_)) {
    const auto before = seen_.find(node);
    const Clock::TimePoint since = before == seen_.end() ? now : before->second;
    if (now - since < watch_for_) {
      seen.emplace(node, since);
    } else if (journal.fence(node)) {
      logger_.warn("node is dead: its work is taken over",
                   {{"node", node.id}, {"name", node.name}, {"heartbeat_at", node.heartbeat_at}});
      ++fenced;
    }
  }
  seen_ = std::move(seen);
  return fenced;
}

std::optional<Clock::TimePoint> NodeWatch::next_look_at() const {
  if (seen_.empty()) return std::nullopt;
  const auto first = std::min_element(
      seen_.begin(), seen_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return first->second + watch_for_;
}

Milliseconds heartbeat_every(Milliseconds node_timeout) {
  return std::min(node_timeout / 3, Milliseconds{2500});
}

Milliseconds watch_time(Milliseconds node_timeout) {
  return std::min(node_timeout, Milliseconds{5000});
}

}  // namespace evd::recovery
