// The version of this build, as in CMakeLists.txt.
#pragma once

namespace evd {

inline constexpr const char* k_version = EVD_VERSION;

}  // namespace evd
