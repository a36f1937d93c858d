// Decides how a node waits for events. A NOTIFY in every emit would serialise commits, so emitters
// send one only while somebody sleeps: a node that found nothing for a while asks for it, keeps
// polling until no emitter can have missed that, and then sleeps on LISTEN. What no notification
// told of, the dispatcher's slow poll notices.
#pragma once

#include <algorithm>

#include "common/base/clock.hpp"
#include "common/journal/journal.hpp"

namespace evd::dispatch {

// What a claim found.
enum class Claimed {
  k_nothing,
  k_some,  // less than a window may hold: there is no more, for now
  k_full,
};

class Sleeper {
 public:
  // `listens`: notifications arrive on this connection; without them it polls every `poll_every` at
  // the least.
  Sleeper(const Clock& clock, bool listens);

  // Before a step: whether it may claim.
  bool may_claim() { return could_claim_ = clock_.now() >= claim_at_; }
  // After it: when the next one is to claim. max(): it could have and had no room, so time alone
  // changes nothing.
  Clock::TimePoint claim_at(bool has_tried) const {
    return has_tried || !could_claim_ ? claim_at_ : Clock::TimePoint::max();
  }

  // After a step in which a claim was tried. May ask the journal to arm or disarm.
  void claimed(journal::Journal& journal, Claimed what);
  void notified() {
    was_notified_ = true;
    claim_at_ = clock_.now();
  }
  void noticed() { claim_at_ = std::min(claim_at_, clock_.now()); }  // something unread
  void reconnected(bool listens);

 private:
  enum class State { k_awake, k_arming, k_last_look, k_asleep };

  void found(journal::Journal& journal, bool is_full);
  void found_nothing(journal::Journal& journal);
  void arm(journal::Journal& journal);

  const Clock& clock_;
  bool listens_;
  State state_ = State::k_awake;
  bool is_armed_ = false;      // by this node; another may have disarmed since
  bool is_settled_ = false;    // no emitter can have missed that any more
  bool is_doubted_ = false;    // something was found that no notification told of
  bool was_notified_ = false;  // since the last claim
  bool could_claim_ = false;   // in the last step; it may have become time meanwhile
  int streak_ = 0;             // claims in a row that found something
  Milliseconds wait_{1};
  Clock::TimePoint idle_since_;
  Clock::TimePoint armed_at_;
  std::uint64_t armed_xid_ = 0;
  Clock::TimePoint claim_at_;
};

}  // namespace evd::dispatch
