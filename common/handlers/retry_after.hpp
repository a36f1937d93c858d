// {"retry_after": 30}, as programs say it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "common/base/clock.hpp"

namespace evd::handlers {

// Seconds, up to a year; nullopt where the object has no such number.
std::optional<Milliseconds> retry_after(const nlohmann::json& object);

}  // namespace evd::handlers
