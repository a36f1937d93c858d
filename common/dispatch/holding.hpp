// What a node holds of the log: open windows and leased parts, each split into shares, one per
// handler. Plain state of the dispatcher's thread; nothing here talks to the database.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/dispatch/breaker.hpp"
#include "common/handlers/handler.hpp"
#include "common/journal/types.hpp"

namespace evd::dispatch {

using EventsPtr = std::shared_ptr<const std::vector<journal::Event>>;

// Attempts that ended, by how.
struct Outcomes {
  std::int64_t done = 0, retry = 0, failed = 0, handed_back = 0;

  void add(journal::OutcomeKind kind, std::int64_t attempts = 1);
};

// A hosted handler as the dispatcher sees it.
struct Host {
  handlers::Handler* handler = nullptr;
  handlers::ShareHandler* as_share_handler = nullptr;  // set for handlers that run whole shares
  int in_flight = 0;                                   // attempts and shares started and not ended
  std::size_t backlog = 0;                             // pairs of holdings that have not started
  bool is_paused = false;
  bool is_behind = false;  // some of its work was put off; new windows queue behind that
  bool has_part = true;    // there may be parts or deliveries that are due: look
  bool has_delivery = true;
  std::string due_since;         // as journal::HandlerState
  bool is_delivery_turn = true;  // who takes the next slots: deliveries, or windows and parts
  Breaker breaker;
  Outcomes outcomes;

  // Nothing of it may run but a probe.
  bool is_shut() const { return is_paused || breaker.is_open(); }
  int free_slots() const {
    if (!breaker.is_open()) return handler->capacity() - in_flight;
    return breaker.is_probing() && in_flight == 0 ? 1 : 0;
  }
  // Not ahead of deliveries, which would never have their turn.
  bool has_room_for_share() const {
    const int ahead = breaker.is_open() || has_delivery ? 0 : as_share_handler->ahead();
    return free_slots() + ahead > 0;
  }
};

struct Share {
  enum class Phase {
    k_ready,    // may start, or go on
    k_running,  // share handlers only: it works on the share by itself
    k_stopped,  // goes no further; the rest is put off when the holding closes
    k_ended,    // done as far as it comes: every pair ended, or put off
  };

  Host* host = nullptr;
  Phase phase = Phase::k_ready;
  // Indices into the holding's, in log order; of a share handler only those that were read for
  // others.
  std::vector<std::uint32_t> events;
  std::size_t next = 0;  // the first that has not started
  std::size_t running = 0;
  std::vector<bool> ended;  // of those before next
  std::vector<journal::OpenPair> failed;
  bool is_closed = false;  // its holding is closed: what still runs is a delivery, run 1
  bool is_lost = false;    // its holding was taken over: results count no more

  bool all_started() const { return next == events.size(); }
};

struct Holding {
  journal::WindowRef window;
  bool is_part = false;  // then it has one share, and window.token is the part's
  EventsPtr events;
  std::vector<std::shared_ptr<Share>> shares;
  std::vector<journal::DeferredShare> deferred;  // shares that cannot be run here
  Clock::TimePoint opened_at;
  Clock::TimePoint spill_at;
  Clock::TimePoint close_after;  // a close that was refused is tried again from then on
  bool has_later = false;

  // Nothing is left to run, or to wait for, before it can close.
  bool is_done() const;
};

// What is to be written when the holding closes now: pairs that failed or are running, and what did
// not start.
journal::CloseRequest close_request(const Holding& holding);

// The same for a part: where its handler has come, or nullopt when it started everything.
std::optional<journal::Position> part_progress(const Holding& holding);

}  // namespace evd::dispatch
