#include "common/dispatch/breaker.hpp"

#include "common/handlers/handler.hpp"

namespace evd::dispatch {

void Breaker::ended(const journal::Outcome& outcome) {
  if (outcome.kind == journal::OutcomeKind::k_handed_back) return;
  if (!outcome.is_transport) return heard();
  if (is_probing_ || ++failures_ >= handlers::k_out_of_reach_after) out_of_reach(outcome.error);
}

void Breaker::heard() {
  failures_ = 0;
  if (is_probing_) change_ = Change::k_probe_heard;
}

void Breaker::out_of_reach(const std::string& error) {
  if (is_open_ && !is_probing_) return;  // it was started before that
  change_ = is_open_ ? Change::k_probe_failed : Change::k_opens;
  error_ = error;
}

void Breaker::written() {
  is_open_ = change_ != Change::k_probe_heard;
  is_probing_ = false;
  failures_ = 0;
  change_ = Change::k_none;
}

void Breaker::polled(bool is_open) {
  if (is_open_ != is_open) failures_ = 0;
  is_open_ = is_open;
  is_probing_ = is_probing_ && is_open;
}

void Breaker::leased(Clock::TimePoint renew_at) {
  is_probing_ = true;
  renew_at_ = renew_at;
}

void Breaker::forget() { *this = Breaker(); }

}  // namespace evd::dispatch
