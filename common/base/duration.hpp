// Durations and sizes as people write them in the configuration and on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"

namespace evd {

// A whole number and one unit: "250ms", "10s", "5m", "1h", "30d". Nothing else: no sign, no blanks,
// no fractions. Empty when the text is not one, or would not fit.
std::optional<Milliseconds> parse_duration(std::string_view text);

// The largest unit that is exact: "1h", "90s", "1500ms", "0s". parse_duration reads it back.
std::string format_duration(Milliseconds duration);

// Bytes as "512B", "64KiB", "1MiB" or "2GiB".
std::optional<std::int64_t> parse_size(std::string_view text);

std::string format_size(std::int64_t bytes);

}  // namespace evd
