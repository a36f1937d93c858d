#include "cli/evctl/json.hpp"

#include <vector>

#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

constexpr std::size_t k_to_seconds = 19;  // "2026-01-01T01:11:11"

}  // namespace

std::string text_at(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::int64_t number_at(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_number() ? 0 : found->get<std::int64_t>();
}

std::string list_at(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return {};
  return join(found->get<std::vector<std::string>>(), ", ");
}

std::string short_time(std::string_view iso) {
  if (iso.size() <= k_to_seconds || iso[10] != 'T') return std::string(iso);
  std::string text(iso.substr(0, k_to_seconds));
  text[10] = ' ';
  return text + "Z";
}

std::string time_at(const Json& object, std::string_view key) {
  return short_time(text_at(object, key));
}

}  // namespace evd::evctl
