// Where handlers' threads leave their results for the dispatcher's thread.
#pragma once

#include <variant>

#include "common/base/mailbox.hpp"
#include "common/handlers/handler.hpp"

namespace evd::dispatch {

class Inbox : public handlers::Sink {
 public:
  using Message = std::variant<std::vector<handlers::Result>, handlers::ShareEnd>;

  void finished(std::vector<handlers::Result> results) override {
    mailbox_.push(std::move(results));
  }
  void share_ended(handlers::ShareEnd end) override { mailbox_.push(std::move(end)); }

  std::vector<Message> drain() { return mailbox_.drain(); }
  int fd() const { return mailbox_.fd(); }  // readable while there is something to drain

 private:
  Mailbox<Message> mailbox_;
};

}  // namespace evd::dispatch
