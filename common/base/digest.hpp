// A cryptographic checksum.
#pragma once

#include <string>
#include <string_view>

namespace evd {

std::string sha256(std::string_view data);  // 32 bytes, not readable

}  // namespace evd
