// Makes the handlers of a configuration.
#pragma once

#include <map>

#include "common/config/config.hpp"
#include "common/handlers/handler.hpp"
#include "common/logging/logger.hpp"

namespace evd::handlers {

// By name; only those that `config` hosts on this machine. `instance` is part of idempotency keys:
// the one stored in the database. Throws ConfigError for a kind that this build cannot run.
std::map<std::string, std::unique_ptr<Handler>> make_handlers(const Config& config,
                                                              const std::string& instance,
                                                              Sink& sink, logging::Logger& logger);

// Throws the same ConfigError without making anything.
void check_handlers(const Config& config);

}  // namespace evd::handlers
