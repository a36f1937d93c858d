#include "common/dispatch/holding.hpp"

#include <algorithm>

namespace evd::dispatch {

void Outcomes::add(journal::OutcomeKind kind, std::int64_t attempts) {
  using journal::OutcomeKind;
  std::int64_t& count = kind == OutcomeKind::k_done     ? done
                        : kind == OutcomeKind::k_retry  ? retry
                        : kind == OutcomeKind::k_failed ? failed
                                                        : handed_back;
  count += attempts;
}
namespace {

bool is_settled(const Share& share) {
  if (share.host->as_share_handler) return share.phase == Share::Phase::k_ended;
  if (share.phase == Share::Phase::k_ended) return true;
  return share.running == 0 && (share.all_started() || share.phase == Share::Phase::k_stopped);
}

void add_running(const Share& share, const std::vector<journal::Event>& events,
                 std::vector<journal::OpenPair>& pairs) {
  for (std::size_t i = 0; i < share.next; ++i) {
    if (share.ended[i]) continue;
    journal::OpenPair pair;
    pair.event_id = events[share.events[i]].id;
    pair.handler = share.host->handler->name();
    pair.state = journal::OpenPair::State::k_running;
    pairs.push_back(std::move(pair));
  }
}

// Everything before the first that did not start has started, since pairs start in log order.
journal::Position started_upto(const Share& share, const std::vector<journal::Event>& events) {
  return share.next == 0 ? journal::Position{} : events[share.events[share.next - 1]].position();
}

}  // namespace

bool Holding::is_done() const {
  return std::all_of(shares.begin(), shares.end(),
                     [](const auto& share) { return is_settled(*share); });
}

journal::CloseRequest close_request(const Holding& holding) {
  journal::CloseRequest request;
  request.has_later = holding.has_later;
  request.deferred = holding.deferred;
  for (const auto& share : holding.shares) {
    request.pairs.insert(request.pairs.end(), share->failed.begin(), share->failed.end());
    if (share->host->as_share_handler) {
      // It records its own progress; this only says that there is a rest.
      if (share->phase != Share::Phase::k_ended)
        request.deferred.push_back({share->host->handler->name(), {}});
      continue;
    }
    add_running(*share, *holding.events, request.pairs);
    if (!share->all_started()) {
      request.deferred.push_back(
          {share->host->handler->name(), started_upto(*share, *holding.events)});
    }
  }
  return request;
}

std::optional<journal::Position> part_progress(const Holding& holding) {
  const Share& share = *holding.shares.front();
  if (share.all_started()) return std::nullopt;
  return started_upto(share, *holding.events);
}

}  // namespace evd::dispatch
