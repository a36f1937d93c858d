#include "common/journal/claims_ahead.hpp"

#include <algorithm>
#include <utility>

#include "common/base/random.hpp"

namespace evd::journal {

bool ClaimsAhead::begin(NodeId node, int limit, const SharesOnly& shares_only) {
  const auto free = std::find_if(readers_.begin(), readers_.end(),
                                 [now = SteadyClock().now()](const Reader& reader) {
                                   return !reader.is_busy && now >= reader.not_before;
                                 });
  if (free == readers_.end()) return false;
  Reader& reader = *free;
  ClaimRequest request{random_token(), limit, shares_only};
  // Where no thread can be had it is claimed when it is asked for.
  begun_.push_back({&reader, std::async(std::launch::async | std::launch::deferred,
                                        [this, &reader, node, request = std::move(request)] {
                                          return claim(reader, node, request);
                                        })});
  reader.is_busy = true;
  return true;
}

// In a thread of its own.
std::optional<TakenWindow> ClaimsAhead::claim(Reader& reader, NodeId node,
                                              const ClaimRequest& request) const {
  if (!reader.connection) {
    try {
      reader.connection.emplace(pg::Connection::open(options_));
      reader.backoff.reset();
    } catch (const pg::Error&) {
      reader.not_before = SteadyClock().now() + reader.backoff.next();
      return std::nullopt;
    }
  }
  return claim_window(*reader.connection, node, request);
}

std::optional<TakenWindow> ClaimsAhead::next() {
  while (!begun_.empty()) {
    Begun oldest = std::move(begun_.front());
    begun_.pop_front();
    oldest.window.wait();
    oldest.reader->is_busy = false;
    if (std::optional<TakenWindow> taken = oldest.window.get()) return taken;
  }
  return std::nullopt;
}

void ClaimsAhead::forget() {
  for (Begun& begun : begun_) {
    begun.window.wait();
    begun.reader->is_busy = false;
  }
  begun_.clear();
}

}  // namespace evd::journal
