// Rows that [defaults] and handlers share. Internal to the loader.
#pragma once

#include <array>
#include <string_view>

#include "common/config/handler_config.hpp"
#include "common/config/rows.hpp"

namespace evd::config {

inline constexpr std::array<std::string_view, 2> k_retry_words = {"daemon", "cron"};

inline constexpr auto k_number_from_1 = [](const Entry& entry) {
  return number_value(entry, 1, 1000);
};
inline constexpr auto k_share = [](const Entry& entry) { return number_value(entry, 0, 1); };

inline constexpr Row<Backoff> k_backoff_rows[] = {
    duration<&Backoff::base>("base"),
    value<&Backoff::factor, k_number_from_1>("factor"),
    duration<&Backoff::max>("max"),
    value<&Backoff::jitter, k_share>("jitter"),
};

}  // namespace evd::config
