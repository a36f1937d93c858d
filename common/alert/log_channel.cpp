#include "common/alert/log_channel.hpp"

namespace evd::alert {

std::optional<std::string> LogChannel::send(const Alert& alert) {
  const auto level = alert.is_recovered() ? logging::Level::k_info : logging::Level::k_error;
  logger_.log(level, "alert",
              {{"alert", alert.id},
               {"kind", alert.kind},
               {"event_name", alert.event_name},
               {"handler", alert.handler},
               {"owner", alert.owner},
               {"count", alert.count},
               {"error", alert.last_error},
               {"run_again", alert.command()}});
  return std::nullopt;
}

}  // namespace evd::alert
