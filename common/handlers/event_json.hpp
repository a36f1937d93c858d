// The event as the handlers outside of the database get it: one JSON object on one line. Pure
// functions. The SQL function evd.event_json makes the same for sql handlers.
#pragma once

#include <string>
#include <string_view>

#include "common/handlers/handler.hpp"

namespace evd::handlers {

// `instance:event:handler`, and `:r1` when a person asked for a new key: the same in every attempt,
// so that a handler's effect can be made to happen once.
std::string idempotency_key(const Attempt& attempt, std::string_view handler,
                            std::string_view instance);

// args and headers go in as PostgreSQL wrote them: decoding would round numbers.
void append_event_json(std::string& out, const Attempt& attempt, std::string_view handler,
                       std::string_view instance);

// "2026-01-01T01:11:11.000000Z"
std::string iso_time(std::int64_t microseconds_since_1970);

}  // namespace evd::handlers
