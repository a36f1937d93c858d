// Claims windows before they are asked for, on connections of its own, several at once: so that the
// server reads the next ones while a node runs what it has. Each is read by a thread, since a
// server stops when the socket is full. A connection is opened when it is first needed; where there
// is none to be had, nothing is claimed ahead. Its owner is one thread.
#pragma once

#include <array>
#include <deque>
#include <future>

#include "common/base/clock.hpp"
#include "common/journal/window_claim.hpp"
#include "common/pg/backoff.hpp"

namespace evd::journal {

class ClaimsAhead {
 public:
  static constexpr std::size_t k_most = 2;

  explicit ClaimsAhead(pg::ConnectOptions options) : options_(std::move(options)) {}
  ClaimsAhead(const ClaimsAhead&) = delete;
  ClaimsAhead& operator=(const ClaimsAhead&) = delete;
  ~ClaimsAhead() = default;  // waits for what was begun; the node holds it

  // How many were begun and not asked for.
  std::size_t size() const { return begun_.size(); }

  // Begins one. False: no connection is free for it.
  bool begin(NodeId node, int limit, const SharesOnly& shares_only);

  // Waits for the oldest that found something. None: none did. Throws as claim_window() does, after
  // which it is of no more use: windows that were begun are the node's and nobody's.
  std::optional<TakenWindow> next();

  // Waits for all, and forgets them: the node holds windows that it does not know of.
  void forget();

 private:
  struct Reader {
    std::optional<pg::Connection> connection;
    bool is_busy = false;
    pg::ReconnectBackoff backoff;
    Clock::TimePoint not_before{};
  };
  struct Begun {
    Reader* reader;
    std::future<std::optional<TakenWindow>> window;
  };

  std::optional<TakenWindow> claim(Reader& reader, NodeId node, const ClaimRequest& request) const;

  const pg::ConnectOptions options_;
  std::array<Reader, k_most> readers_;  // one that is busy is its thread's
  std::deque<Begun> begun_;             // oldest first; last, as their threads use the readers
};

}  // namespace evd::journal
