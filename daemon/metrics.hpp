// What /metrics says, in Prometheus' text format.
#pragma once

#include <string>

#include "daemon/control.hpp"

namespace evd::daemon {

std::string metrics_text(const Health& health);

}  // namespace evd::daemon
