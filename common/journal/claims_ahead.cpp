#include "common/journal/claims_ahead.hpp"

#include <algorithm>
#include <utility>

#include "common/base/random.hpp"

namespace evd::journal {
namespace {

// Where no thread can be had it is done when it is waited for.
template <typename Work>
auto in_thread(Work work) {
  return std::async(std::launch::async | std::launch::deferred, std::move(work));
}

template <typename Result>
bool is_under_way(const std::future<Result>& future) {
  return future.wait_for(Milliseconds{0}) == std::future_status::timeout;
}

}  // namespace

bool ClaimsAhead::begin(NodeId node, int limit, const SharesOnly& shares_only) {
  const auto free = std::find_if(readers_.begin(), readers_.end(),
                                 [this](Reader& reader) { return is_free(reader); });
  if (free == readers_.end()) return false;
  ClaimRequest request{random_token(), limit, shares_only};
  begun_.push_back(
      {&*free, in_thread([&connection = *free->connection, node, request = std::move(request)] {
         return claim_window(connection, node, request);
       })});
  free->is_busy = true;
  return true;
}

bool ClaimsAhead::is_free(Reader& reader) {
  if (reader.is_busy) return false;
  if (is_open(reader)) return true;
  if (!reader.opening.valid()) {
    if (SteadyClock().now() >= reader.not_before)
      reader.opening = in_thread([this] { return pg::Connection::open(options_); });
    return false;
  }
  if (is_under_way(reader.opening)) return false;
  try {
    reader.connection.emplace(reader.opening.get());
    reader.backoff.reset();
    return true;
  } catch (const pg::Error&) {
    reader.not_before = SteadyClock().now() + reader.backoff.next();
    return false;
  }
}

// It may have ended since it was used: no claim is lost by that as long as none was sent.
bool ClaimsAhead::is_open(Reader& reader) {
  if (!reader.connection) return false;
  try {
    reader.connection->consume_notifications();
    return true;
  } catch (const pg::Error&) {
    reader.connection.reset();
    return false;
  }
}

std::optional<Window> ClaimsAhead::next() {
  while (!begun_.empty()) {
    Begun oldest = std::move(begun_.front());
    begun_.pop_front();
    oldest.window.wait();
    oldest.reader->is_busy = false;
    if (std::optional<Window> window = oldest.window.get()) return window;
  }
  return std::nullopt;
}

void ClaimsAhead::forget() {
  for (Begun& begun : begun_) {
    if (is_under_way(begun.window)) begun.window.wait();
    begun.reader->is_busy = false;
  }
  begun_.clear();
}

}  // namespace evd::journal
