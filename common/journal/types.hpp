// What the log holds, as the programs see it. Plain values without behaviour.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.hpp"

namespace evd::journal {

using NodeId = std::int64_t;

// A place in the log. Events are ordered by it, and "newest first" means by it, backwards.
struct Position {
  std::uint64_t xid = 0;
  std::int64_t id = -1;
  auto operator<=>(const Position&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Event {
  std::int64_t id = 0;
  std::uint64_t xid = 0;
  std::int32_t route_id = 0;
  std::int64_t created_at_us = 0;  // microseconds since 1970-01-01 UTC
  std::string args;                // PostgreSQL's own text of the jsonb, never decoded
  std::optional<std::string> key;
  std::string headers;    // text of a JSON object; empty: none
  bool is_later = false;  // due only after its window opened: it gets deliveries at the close

  Position position() const { return {xid, id}; }
};

// An event name with the handlers expected to run. Immutable; an event keeps the route it was
// written with.
struct Route {
  std::int32_t id = 0;
  std::string event_name;
  std::vector<std::string> expected;
};

// A window that a node holds. The token is random, made by its claimer, and part of every write
// about it.
struct WindowRef {
  std::int64_t id = 0;
  std::int64_t token = 0;
  auto operator<=>(const WindowRef&) const = default;  // NOLINT(modernize-use-nullptr)
};

// What only handlers look at that read their whole share themselves: the node is spared the events.
struct SharesOnly {
  std::vector<std::int32_t> routes;   // all of whose handlers are such
  std::vector<std::string> handlers;  // whose parts are
};

// Events of a route that were counted and not read.
struct Counted {
  std::int32_t route_id = 0;
  std::int64_t events = 0;
  std::int64_t later = 0;  // of them, due only after the window opened
};

struct Window {
  WindowRef ref;
  std::vector<Event> events;
  std::vector<Counted> counted;  // of SharesOnly routes, whose events are not among `events`
  std::size_t ahead = 0;         // that were begun after it: the node may hold them already

  // Events, with those that are only counted.
  std::int64_t size() const {
    auto size = static_cast<std::int64_t>(events.size());
    for (const Counted& route : counted) size += route.events;
    return size;
  }

  // `later` of them due only after the window opened.
  void count(std::int32_t route_id, std::int64_t more, std::int64_t later) {
    auto route = std::find_if(counted.begin(), counted.end(),
                              [=](const Counted& known) { return known.route_id == route_id; });
    if (route == counted.end()) route = counted.insert(route, {route_id, 0, 0});
    route->events += more;
    route->later += later;
  }
};

// How many pairs and parts.
struct Late {
  int overdue = 0;  // past their event's deadline
  int stalled = 0;  // unresolved for so long that somebody is told
};

inline constexpr std::size_t k_most_ahead = 2;  // as many sessions read at once

struct ClaimRequest {
  std::int64_t token = 0;
  int limit = 0;  // events
  SharesOnly shares_only{};
  // When this window is full, the database begins on so many after it, up to k_most_ahead, while
  // its events are run.
  std::size_t ahead = 0;
};

struct PartRef {
  std::int64_t window_id = 0;
  std::string handler;
  std::int64_t token = 0;
};

// One handler's share of a closed window, leased as a unit: the events that it still has to run.
struct Part {
  PartRef ref;
  // Those of its handler after where it came to, none of them is_later; none of SharesOnly
  // handlers.
  std::vector<Event> events;
};

// A pair that has a row of its own, started by take_deliveries.
struct Delivery {
  Event event;
  std::string handler;
  std::int32_t run = 0;       // fencing token: only this run may be reported
  std::int32_t attempts = 0;  // counted, this one included
  std::int32_t max_attempts = 0;
  std::int32_t round = 0;   // new idempotency keys that a person asked for
  bool is_suspect = false;  // it ran when its node died
};

enum class OutcomeKind {
  k_done,
  k_retry,        // failed; another attempt follows, or escalation when none is left
  k_failed,       // failed for good
  k_handed_back,  // interrupted by a graceful stop; uncounted
};

// What one attempt returned.
struct Outcome {
  OutcomeKind kind = OutcomeKind::k_done;
  std::string error;  // for people; valid UTF-8, bounded by the handler
  std::optional<Milliseconds>
      retry_after;           // k_retry: not before; the handler's backoff is the least
  bool is_recorded = false;  // committed together with the handler's effect already
  // k_retry: it failed on the way to the handler's own code, or never heard from it (no such
  // program, no connection, a timeout); a row of them opens the handler's breaker.
  bool is_transport = false;
};

// A pair of a window or part that is not done when it closes.
struct OpenPair {
  enum class State { k_queued, k_running, k_retry, k_failed };
  std::int64_t event_id = 0;
  std::string handler;
  State state = State::k_queued;  // k_running: this node reports it as a delivery, run 1
  std::string error;
  std::optional<Milliseconds> retry_after;
};

// A handler's share that is put off from a position on: everything behind `upto` waits in one row.
struct DeferredShare {
  std::string handler;
  Position upto;
};

struct CloseRequest {
  std::vector<DeferredShare> deferred;
  std::vector<OpenPair> pairs;
  bool has_later = false;  // the window holds events with is_later
};

enum class CloseResult {
  k_closed,
  k_gone,  // taken over; what the node did since does not count
  k_busy,  // an sql batch of the window is running: try again
};

struct FinishedRun {
  std::int64_t event_id = 0;
  std::string handler;
  std::int32_t run = 0;
  Outcome outcome;
};

// What a node knows that it holds: tokens of windows and parts, and runs that it will report.
struct Held {
  std::vector<std::int64_t> tokens;
  std::vector<FinishedRun> runs;
};

struct HandlerSlots {
  std::string handler;
  int slots = 0;
  std::string due_since{};  // HandlerState::due_since of the last poll; empty: from the beginning
};

struct TakeRequest {
  std::vector<HandlerSlots> handlers;
  bool is_cron = false;        // a recovery pass of evrecover: also what is retried by cron only
  Milliseconds precedence{0};  // is_cron: left to a living evd that hosts the handler
};

struct PollRequest {
  std::vector<std::string> handlers;
  bool is_cron = false;  // these two as in TakeRequest
  Milliseconds precedence{0};
  std::map<std::string, std::string> due_since{};  // by handler: as in HandlerSlots
};

// What an idle node must know of a handler that it hosts.
struct HandlerState {
  std::string handler;
  bool is_paused = false;
  bool is_broken = false;     // its breaker is open
  bool may_probe = false;     // is_broken: a probe can be leased
  bool has_part = false;      // that is due and free, and …
  bool has_delivery = false;  // … in so far as the asker may take it
  // No delivery was due before: a time as the journal writes it, for the next look. Only a look
  // from the beginning finds what a long transaction made due in the past when it committed.
  std::string due_since{};
};

struct PollResult {
  std::vector<HandlerState> handlers;
  bool has_unread = false;  // an event that no window has taken
  bool has_alert = false;   // one waits to be sent
};

// A day of the log that is older than what is asked for.
struct OldPartition {
  std::string name;
  std::string kept;  // why it may not be dropped; empty: it may
};

struct NodeInfo {
  std::string name;
  std::string kind;  // "evd" or "evrecover"
  std::string version;
  std::vector<std::string> handlers;
};

struct StaleNode {
  NodeId id = 0;
  std::string name;
  std::string heartbeat_at;  // as PostgreSQL writes it; fence() compares it
  auto operator<=>(const StaleNode&) const = default;  // NOLINT(modernize-use-nullptr)
};

}  // namespace evd::journal
