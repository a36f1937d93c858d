// What a node knows of one handler's breaker. It opens for all nodes when a handler was out of
// reach several times in a row; then one probe at a time, leased from the journal, finds out
// whether it is back. Plain state of the dispatcher's thread: what is to be written stands in
// change() until the dispatcher has written it.
#pragma once

#include <string>

#include "common/base/clock.hpp"
#include "common/journal/types.hpp"

namespace evd::dispatch {

class Breaker {
 public:
  enum class Change { k_none, k_opens, k_probe_failed, k_probe_heard };

  bool is_open() const { return is_open_; }
  bool is_probing() const { return is_probing_; }

  // An attempt ended, whether a probe or not.
  void ended(const journal::Outcome& outcome);
  // A share ended in which events were done, or which gave up because the handler is out of reach.
  void heard();
  void out_of_reach(const std::string& error);

  Change change() const { return change_; }
  const std::string& error() const { return error_; }
  void written();  // `change` is

  void polled(bool is_open);               // what the journal says
  void leased(Clock::TimePoint renew_at);  // one probe may start; the lease is to be renewed
  bool is_lease_old(Clock::TimePoint now) const { return is_probing_ && now >= renew_at_; }
  void lease_ended() { is_probing_ = false; }
  void forget();  // the node is another one now

 private:
  bool is_open_ = false;
  bool is_probing_ = false;
  int failures_ = 0;  // in a row
  Change change_ = Change::k_none;
  std::string error_;
  Clock::TimePoint renew_at_;
};

}  // namespace evd::dispatch
