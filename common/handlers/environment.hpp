// What the environment of a handler's program is: the same under systemd, cron and a shell, since
// nothing is inherited.
#pragma once

#include <map>
#include <string>

#include "common/config/handler_config.hpp"

namespace evd::handlers {

// `env` over PATH and LANG, and EVD_HANDLER over that. Without EVD_EVENT_ID and the like: those are
// an attempt's.
std::map<std::string, std::string> handler_environment(const HandlerConfig& config);

}  // namespace evd::handlers
