#include "common/logging/format.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace evd::logging {
namespace {

std::string_view short_escape(char c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return "";
  }
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// A line stays one line, and a terminal that shows it obeys nothing that an event carried.
void append_escaped(std::string& line, std::string_view text, bool in_quotes) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  for (const char c : text) {
    if (is_control(c)) {
      const auto byte = static_cast<unsigned char>(c);
      const std::string_view escape = short_escape(c);
      if (escape.empty())
        line.append("\\x").append(1, k_digits[byte >> 4U]).append(1, k_digits[byte & 0x0FU]);
      else
        line += escape;
      continue;
    }
    if (in_quotes && (c == '"' || c == '\\')) line += '\\';
    line += c;
  }
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
           return c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c);
         });
}

}  // namespace

std::string format_text(Level level, std::string_view message, std::span<const Field> fields) {
  std::string line(level_name(level));
  line += ' ';
  append_escaped(line, message, false);
  for (const Field& field : fields) {
    const bool quotes = needs_quotes(field.value);
    line.append(" ").append(field.key).append("=").append(quotes ? "\"" : "");
    append_escaped(line, field.value, quotes);
    line += quotes ? "\"" : "";
  }
  return line;
}

std::string format_json(Level level, std::string_view message, std::span<const Field> fields) {
  nlohmann::ordered_json line = {{"level", level_name(level)}, {"message", message}};
  for (const Field& field : fields) {
    if (field.is_literal)
      line[field.key] = nlohmann::ordered_json::parse(field.value);
    else
      line[field.key] = field.value;
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace evd::logging
