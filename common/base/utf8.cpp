#include <cstdint>

#include "common/base/text.hpp"

namespace evd {
namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD";

std::size_t expected_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// The length of the code point that the text begins with, 0 when it is none that PostgreSQL takes.
std::size_t code_point_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = expected_length(byte(0));
  if (length == 0 || length > text.size() || byte(0) == 0) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (length < 3) return length;
  const unsigned lead = byte(0);
  const unsigned next = byte(1);
  const bool overlong = (lead == 0xE0 && next < 0xA0) || (lead == 0xF0 && next < 0x90);
  const bool surrogate = lead == 0xED && next > 0x9F;
  const bool too_large = lead == 0xF4 && next > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

}  // namespace

std::string truncate_utf8(std::string_view text, std::size_t max_bytes) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = code_point_length(text);
    const std::string_view piece = length == 0 ? k_replacement : text.substr(0, length);
    if (result.size() + piece.size() > max_bytes) break;
    result += piece;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace evd
