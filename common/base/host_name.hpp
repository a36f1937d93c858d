// The machine's name, as people know it.
#pragma once

#include <string>

namespace evd {

std::string host_name();  // empty: it has none

}  // namespace evd
