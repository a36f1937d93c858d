#include "common/ingest/json_text.hpp"

#include <nlohmann/json.hpp>

namespace evd::ingest {
namespace {

constexpr std::string_view k_space = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(k_space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(k_space) - begin + 1);
}

// Behind the closing quote of the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// What lies between the commas on the outermost level of an array or object.
std::vector<std::string_view> pieces_of(std::string_view container) {
  const std::string_view inside = trimmed(container).substr(1, trimmed(container).size() - 2);
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t at = 0; at < inside.size();) {
    const char c = inside[at];
    if (c == '"') {
      at = end_of_string(inside, at);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',' && depth == 0) {
      pieces.push_back(trimmed(inside.substr(begin, at - begin)));
      begin = at + 1;
    }
    ++at;
  }
  if (const std::string_view last = trimmed(inside.substr(begin)); !last.empty())
    pieces.push_back(last);
  return pieces;
}

}  // namespace

bool is_deeper(std::string_view text, int levels) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > levels) return true;
    at = c == '"' ? end_of_string(text, at) : at + 1;
  }
  return false;
}

std::vector<std::string_view> elements_of(std::string_view array) { return pieces_of(array); }

std::vector<Member> members_of(std::string_view object) {
  std::vector<Member> members;
  for (const std::string_view piece : pieces_of(object)) {
    const std::size_t end = end_of_string(piece, 0);
    members.push_back({nlohmann::json::parse(piece.substr(0, end)).get<std::string>(),
                       trimmed(piece.substr(piece.find(':', end) + 1))});
  }
  return members;
}

std::string with_member(std::string_view object, const std::string& name,
                        const std::string& value) {
  const std::string_view rest = trimmed(object).substr(1);
  const bool is_empty = trimmed(rest).front() == '}';
  return "{" + nlohmann::json(name).dump() + ":" + value + (is_empty ? "" : ",") +
         std::string(rest);
}

}  // namespace evd::ingest
