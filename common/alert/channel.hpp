// Where alerts go. A channel posts one message and says whether it was taken; trying again is the
// sender's business. Adding a kind of channel: a file pair with its class, and a row in k_channels
// (channel.cpp).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/alert/alert.hpp"
#include "common/config/config.hpp"
#include "common/logging/logger.hpp"

namespace evd::alert {

// The channel of whatever nobody else is there to be told. No configured name looks like it.
inline constexpr std::string_view k_log_channel = "(log)";

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  virtual const std::string& name() const = 0;

  // Nothing: the message was taken. Else the reason, one line without secrets. Never throws; comes
  // back within 40 s. Several threads may send on different channels, one at a time on each.
  virtual std::optional<std::string> send(const Alert& alert) = 0;

  // How often it is to be sent again what is still unresolved, because it forgets; nothing: people
  // are reminded there, as `repeat` says.
  virtual std::optional<Milliseconds> refresh_every() const { return std::nullopt; }
};

using Channels = std::map<std::string, std::unique_ptr<Channel>, std::less<>>;

// All that the file names, and the log. The logger outlives them.
Channels make_channels(const Config& config, logging::Logger& logger);

}  // namespace evd::alert
