// Asking the person at the terminal before something that cannot be taken back.
#pragma once

#include <string>

namespace evd::evctl {

// Whether the answer is yes. Where nobody is there to ask, throws ConfigError with `unattended`.
bool confirm(const std::string& question, const std::string& unattended);

}  // namespace evd::evctl
