// A mail in plain text, through an SMTP server.
#pragma once

#include "common/alert/channel.hpp"

namespace evd::alert {

class EmailChannel : public Channel {
 public:
  explicit EmailChannel(const ChannelConfig& config) : config_(config) {}

  const std::string& name() const override { return config_.name; }
  std::optional<std::string> send(const Alert& alert) override;

 private:
  ChannelConfig config_;
};

// The whole mail, with its headers, as RFC 5322 wants it. `now`: seconds since 1970.
std::string mail_text(const ChannelTarget& target, const Alert& alert, std::int64_t now);

}  // namespace evd::alert
