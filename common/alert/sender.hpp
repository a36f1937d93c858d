// Brings the alerts that wait to their channels. One call of send_due() folds, leases, posts and
// records, and returns. Any number of senders may work on one database. Owned by one thread; while
// it posts, each channel has a thread of its own, so that a slow one delays no other.
#pragma once

#include <vector>

#include "common/alert/channel.hpp"
#include "common/alert/outbox.hpp"
#include "common/base/clock.hpp"

namespace evd::alert {

struct SendOptions {
  bool wait_for_group = true;  // false: evrecover, which groups by pass and may not be back soon
  Milliseconds max_runtime{20'000};  // nothing is leased later than this
};

class Sender {
 public:
  // All outlive it.
  Sender(Outbox& outbox, Channels& channels, logging::Logger& logger, const Clock& clock);

  // How many messages were taken by their channels. What the outbox throws comes out; nothing is
  // lost by it, but a message may be posted again.
  int send_due(const Config& config, const SendOptions& options = {});

 private:
  struct Posting {
    Channel* channel;
    LeasedAlert leased;
    std::optional<std::string> failure;
  };

  std::vector<Posting> lease(const Config& config, std::vector<std::string>& active);
  void refresh();
  static void post(std::vector<Posting>& postings);
  bool record(const Posting& posting);

  Outbox& outbox_;
  Channels& channels_;
  logging::Logger& logger_;
  const Clock& clock_;
  std::int64_t token_;
};

}  // namespace evd::alert
