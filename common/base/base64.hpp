// Base64, with padding.
#pragma once

#include <string>
#include <string_view>

namespace evd {

std::string base64(std::string_view bytes);

}  // namespace evd
