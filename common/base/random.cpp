#include "common/base/random.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd {
namespace {

// At most 256 bytes: so few the kernel never returns in part.
void fill_random(void* bytes, std::size_t size) {
  while (::getrandom(bytes, size, 0) != static_cast<ssize_t>(size)) {
    if (errno != EINTR) throw Error("getrandom: " + errno_text(errno));
  }
}

}  // namespace

std::int64_t random_token() {
  std::uint64_t bits = 0;
  while (bits == 0) {
    fill_random(&bits, sizeof bits);
    bits >>= 1U;
  }
  return static_cast<std::int64_t>(bits);
}

std::string random_uuid() {
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  fill_random(bytes.data(), bytes.size());
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);  // RFC 4122's variant
  std::string uuid;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    uuid += k_digits[bytes[i] >> 4U];
    uuid += k_digits[bytes[i] & 0x0FU];
  }
  return uuid;
}

}  // namespace evd
