#include <algorithm>
#include <string>

#include "common/base/text.hpp"

namespace evd {
namespace {

constexpr std::string_view k_stars = "***";
constexpr auto k_none = std::string_view::npos;

std::size_t end_of(std::string_view text, std::size_t from, std::string_view stops) {
  return std::min(text.find_first_of(stops, from), text.size());
}

// `at` is the first byte after "://"; what stands between ':' and the last '@' is the password.
void redact_authority(std::string& text, std::size_t at, bool is_postgres) {
  // A password may hold an unescaped '/' or '?'; for the database's own, all up to the last '@'
  // goes.
  const std::size_t end = end_of(text, at, is_postgres ? " \t\r\n\"'<>" : "/?# \t\r\n\"'<>");
  const std::size_t last_at = std::string_view(text).substr(at, end - at).rfind('@');
  if (last_at == k_none) return;
  const std::size_t colon = text.find(':', at);
  if (colon < at + last_at) text.replace(colon + 1, at + last_at - colon - 1, k_stars);
}

void redact_urls(std::string& text) {
  for (auto at = text.find("://"); at != k_none; at = text.find("://", at + 3)) {
    const std::string_view scheme = std::string_view(text).substr(0, at);
    redact_authority(text, at + 3, scheme.ends_with("postgresql") || scheme.ends_with("postgres"));
  }
}

// The end of a keyword's value: quoted, or up to a blank; a backslash escapes as in libpq.
std::size_t value_end(std::string_view text, std::size_t at, bool in_query) {
  const bool quoted = at < text.size() && text[at] == '\'';
  const std::string_view stops = quoted ? "'" : in_query ? "& \t\r\n\"'" : " \t\r\n";
  std::size_t i = quoted ? at + 1 : at;
  while (i < text.size() && stops.find(text[i]) == k_none) i += text[i] == '\\' ? 2 : 1;
  return std::min(quoted ? i + 1 : i, text.size());
}

void redact_keywords(std::string& text) {
  constexpr std::string_view k_key = "password";
  for (auto at = text.find(k_key); at != k_none; at = text.find(k_key, at + 1)) {
    const bool in_query = at > 0 && (text[at - 1] == '?' || text[at - 1] == '&');
    std::size_t value = text.find_first_not_of(' ', at + k_key.size());
    if (value == k_none || text[value] != '=') continue;
    value = std::min(text.find_first_not_of(' ', value + 1), text.size());
    text.replace(value, value_end(text, value, in_query) - value, k_stars);
  }
}

}  // namespace

std::string redact_url_password(std::string_view text) {
  std::string result(text);
  redact_urls(result);
  redact_keywords(result);
  return result;
}

}  // namespace evd
