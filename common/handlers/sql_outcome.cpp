#include "common/handlers/sql_outcome.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/duration.hpp"
#include "common/base/text.hpp"

namespace evd::handlers {

namespace {

constexpr std::size_t k_error_kept = 2048;            // bytes
constexpr double k_longest_wait = 366.0 * 24 * 3600;  // seconds; whatever is longer is a mistake

std::optional<Milliseconds> parse_seconds(const std::string& detail) {
  const std::string text = trim(detail);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || std::isnan(seconds)) {
    return std::nullopt;
  }
  return std::chrono::round<Milliseconds>(
      std::chrono::duration<double>(std::clamp(seconds, 0.0, k_longest_wait)));
}

}  // namespace

journal::Outcome sql_outcome(const pg::Error& error, Milliseconds timeout) {
  journal::Outcome outcome;
  outcome.kind = journal::OutcomeKind::k_retry;
  const std::string& state = error.sqlstate();
  if (state == "57014" && timeout.count() > 0) {
    outcome.error = "timed out after " + format_duration(timeout);
    outcome.is_transport = true;
    return outcome;
  }
  outcome.error = truncate_utf8(error.primary(), k_error_kept);
  if (!state.empty()) outcome.error += " (SQLSTATE " + state + ")";
  if (state == "VE010") outcome.kind = journal::OutcomeKind::k_failed;
  if (state == "VE011") outcome.retry_after = parse_seconds(error.detail());
  return outcome;
}

}  // namespace evd::handlers
