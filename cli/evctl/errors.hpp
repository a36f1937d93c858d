// What an error means to whoever called evctl: an exit code, and one line to act on.
#pragma once

#include <exception>
#include <string>

#include "common/base/error.hpp"

namespace evd::evctl {

struct Verdict {
  ExitCode code = ExitCode::k_failed;
  std::string message;  // one line, no password in it
};

Verdict judge(const std::exception& error);

}  // namespace evd::evctl
