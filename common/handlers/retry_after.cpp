#include "common/handlers/retry_after.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace evd::handlers {

namespace {

constexpr double k_longest_wait = 366.0 * 24 * 3600;  // seconds; whatever is longer is a mistake

}  // namespace

std::optional<Milliseconds> retry_after(const nlohmann::json& object) {
  const auto found = object.find("retry_after");
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double seconds = std::clamp(found->get<double>(), 0.0, k_longest_wait);
  return std::chrono::round<Milliseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace evd::handlers
