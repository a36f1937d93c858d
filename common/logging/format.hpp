// How a log line looks, apart from its time: pure functions, so that tests need no stderr.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/logging/logger.hpp"

namespace evd::logging {

// `info window closed events=12 handler="two words"`, always one line.
std::string format_text(Level level, std::string_view message, std::span<const Field> fields);

// `{"level":"info","message":"window closed","events":12}`, always valid UTF-8.
std::string format_json(Level level, std::string_view message, std::span<const Field> fields);

}  // namespace evd::logging
