#include "common/base/duration.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace evd {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// From the largest, so that the first exact one is the shortest to write.
constexpr std::array<Unit, 5> k_time_units = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> k_size_units = {
    {{"GiB", 1LL << 30}, {"MiB", 1LL << 20}, {"KiB", 1LL << 10}, {"B", 1}}};

std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    // A thousandth of the range, since clocks and PostgreSQL count in smaller units.
    if (number > std::numeric_limits<std::int64_t>::max() / 1'000 / unit.factor) break;
    return number * unit.factor;
  }
  return std::nullopt;
}

std::string format(std::int64_t number, std::span<const Unit> units, std::string_view zero) {
  if (number == 0) return std::string(zero);
  for (const Unit& unit : units) {
    if (number % unit.factor == 0)
      return std::to_string(number / unit.factor) + std::string(unit.name);
  }
  return std::to_string(number);
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  const auto count = parse(text, k_time_units);
  if (!count) return std::nullopt;
  return Milliseconds(*count);
}

std::string format_duration(Milliseconds duration) {
  return format(duration.count(), k_time_units, "0s");
}

std::optional<std::int64_t> parse_size(std::string_view text) { return parse(text, k_size_units); }

std::string format_size(std::int64_t bytes) { return format(bytes, k_size_units, "0B"); }

}  // namespace evd
