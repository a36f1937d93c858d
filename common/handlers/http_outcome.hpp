// What the answer of a web service, or its absence, says about an attempt. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "common/config/handler_config.hpp"
#include "common/journal/types.hpp"

namespace evd::handlers {

struct HttpEnding {
  long status = 0;      // 0: there was no answer
  std::string answer;   // the beginning of its body
  std::string problem;  // status 0: why, without the URL
  std::optional<Milliseconds> retry_after;
};

// 2xx is done; 410 and those of `permanent_status` fail for good; all else is to be tried again.
journal::Outcome http_outcome(const HttpTarget& target, const HttpEnding& ending);

}  // namespace evd::handlers
