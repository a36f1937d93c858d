#include "common/dispatch/sleeper.hpp"

namespace evd::dispatch {
namespace {

constexpr Milliseconds k_first_wait{1};
constexpr Milliseconds k_longest_wait{
    4};  // while awake: the latency of what comes before it sleeps
constexpr Milliseconds k_awake_for{20};
constexpr Milliseconds k_arming_for{
    1000};                                // a transaction open for longer is found by the slow poll
constexpr Milliseconds k_asleep{60'000};  // nobody notified, and the slow poll noticed nothing
constexpr Milliseconds k_unheard_poll{50};  // where no notification can arrive
// Under load a claim that would find little waits: at a thousand single emits a second, claims
// without a pause took one or two events each, and each cost a window.
constexpr Milliseconds k_company{2};
constexpr int k_load_streak = 4;  // claims in a row that make a load: emitters need not notify then

}  // namespace

Sleeper::Sleeper(const Clock& clock, bool listens)
    : clock_(clock), listens_(listens), idle_since_(clock.now()), claim_at_(clock.now()) {}

void Sleeper::reconnected(bool listens) {
  listens_ = listens;
  state_ = State::k_awake;
  is_armed_ = is_settled_ = is_doubted_ = was_notified_ = false;
  idle_since_ = claim_at_ = clock_.now();
}

void Sleeper::claimed(journal::Journal& journal, Claimed what) {
  if (what == Claimed::k_nothing) {
    found_nothing(journal);
  } else {
    found(journal, what == Claimed::k_full);
  }
  was_notified_ = false;
}

void Sleeper::found(journal::Journal& journal, bool is_full) {
  ++streak_;
  // Another node may have disarmed and gone: without this, nobody would arm again.
  is_doubted_ |= state_ == State::k_asleep && !was_notified_;
  if (is_armed_ && streak_ >= k_load_streak) {
    journal.disarm();
    is_armed_ = is_settled_ = false;
  }
  state_ = State::k_awake;
  wait_ = k_first_wait;
  idle_since_ = claim_at_ = clock_.now();
  if (!is_full && streak_ >= k_load_streak) claim_at_ += k_company;
}

void Sleeper::arm(journal::Journal& journal) {
  armed_xid_ = journal.arm();
  armed_at_ = clock_.now();
  is_armed_ = true;
  is_settled_ = is_doubted_ = false;
}

void Sleeper::found_nothing(journal::Journal& journal) {
  streak_ = 0;
  const Clock::TimePoint now = clock_.now();
  if (state_ == State::k_awake && now - idle_since_ >= k_awake_for) {
    if (!listens_ || (is_settled_ && !is_doubted_)) {
      state_ = State::k_asleep;
    } else {
      if (!is_armed_ || is_doubted_) arm(journal);
      state_ = State::k_arming;
      claim_at_ = now;
      return;
    }
  } else if (state_ == State::k_arming &&
             (now - armed_at_ >= k_arming_for || journal.is_past(armed_xid_))) {
    // Whoever read the flag before it was raised has ended; what it wrote is seen by one more look.
    is_settled_ = true;
    state_ = State::k_last_look;
    claim_at_ = now;
    return;
  } else if (state_ == State::k_last_look) {
    state_ = State::k_asleep;
  }
  wait_ = state_ == State::k_asleep ? (listens_ ? k_asleep : k_unheard_poll)
                                    : std::min(wait_ * 2, k_longest_wait);
  claim_at_ = now + wait_;
}

}  // namespace evd::dispatch
