// Reading what the SQL functions answer, for people. `args` never comes this way: numbers in it
// would not stay exact.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace evd::evctl {

using Json = nlohmann::json;

// The member's text; "" where it is null or missing.
std::string text_at(const Json& object, std::string_view key);
std::int64_t number_at(const Json& object, std::string_view key);  // 0 where there is none

// ["a", "b"] as "a, b".
std::string list_at(const Json& object, std::string_view key);

// "2026-01-01T01:11:11.000000Z" as "2026-01-01 01:11:11Z".
std::string time_at(const Json& object, std::string_view key);
std::string short_time(std::string_view iso);

}  // namespace evd::evctl
