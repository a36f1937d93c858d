// What a line of a worker's stdout says. Pure functions: they face whatever a program prints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/journal/types.hpp"

namespace evd::handlers {

struct WorkerReply {
  std::int64_t event_id = 0;
  std::string handler;
  journal::Outcome outcome;
};

// A line that does not begin with `{` is not meant as a reply.
bool is_reply(std::string_view line);

// {"id": 42, "handler": "score", "ok": true}
// {"id": 42, "handler": "score", "error": "…", "retry_after": 30, "permanent": false}
// Otherwise what is wrong with it, as people can read it.
std::variant<WorkerReply, std::string> parse_reply(std::string_view line);

}  // namespace evd::handlers
