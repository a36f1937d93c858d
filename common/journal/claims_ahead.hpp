// Claims windows before they are asked for, on connections of its own, several at once: so that the
// server reads the next ones while a node runs what it has. Each is read by a thread, since a
// server stops when the socket is full. A connection is opened when it is first needed, in a thread
// as well: until it is there, and where there is none to be had, nothing is claimed ahead. Its
// owner is one thread, and waits for nothing but claims.
#pragma once

#include <array>
#include <deque>
#include <future>
#include <optional>
#include <utility>

#include "common/base/clock.hpp"
#include "common/journal/window_claim.hpp"
#include "common/pg/backoff.hpp"

namespace evd::journal {

class ClaimsAhead {
 public:
  explicit ClaimsAhead(pg::ConnectOptions options) : options_(std::move(options)) {}
  ClaimsAhead(const ClaimsAhead&) = delete;
  ClaimsAhead& operator=(const ClaimsAhead&) = delete;
  // Waits for its threads: for claims, which the node holds then, and for connections to be opened
  // or given up.
  ~ClaimsAhead() = default;

  // How many were begun and not asked for.
  std::size_t size() const { return begun_.size(); }

  // Begins one. False: no connection is free for it.
  bool begin(NodeId node, int limit, const SharesOnly& shares_only);

  // Waits for the oldest that found something. None: none did, when they looked. Throws as
  // claim_window() does; the node may then hold windows that it does not know of.
  std::optional<Window> next();

  // Waits for all, and drops them: the node holds windows that it does not know of.
  void forget();

 private:
  struct Reader {
    std::optional<pg::Connection> connection;
    std::future<pg::Connection> opening;
    bool is_busy = false;
    pg::ReconnectBackoff backoff;
    Clock::TimePoint not_before{};
  };
  struct Begun {
    Reader* reader;
    std::future<std::optional<Window>> window;
  };

  bool is_free(Reader& reader);
  bool is_open(Reader& reader);

  const pg::ConnectOptions options_;
  std::array<Reader, k_most_ahead> readers_;  // the connection of one that is busy is its thread's
  std::deque<Begun> begun_;  // oldest first; last, as their threads use the readers
};

}  // namespace evd::journal
