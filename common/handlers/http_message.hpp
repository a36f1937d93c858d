// An attempt as a web service gets it. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/handler_config.hpp"
#include "common/handlers/handler.hpp"

namespace evd::handlers {

struct HttpMessage {
  std::vector<std::string> headers;  // "name: value"
  std::string body;
};

// With the headers of Standard Webhooks: webhook-id is the idempotency key, the same in every
// attempt; `timestamp`, in seconds since 1970, is when this attempt was made.
HttpMessage http_message(const HttpTarget& target, const Attempt& attempt, std::string_view handler,
                         std::string_view instance, std::int64_t timestamp);

// As a CloudEvents header carries it: what is not printable ASCII, and `"` and `%`, as %XX.
std::string cloudevents_value(std::string_view text);

}  // namespace evd::handlers
