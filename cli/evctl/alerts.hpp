// Alerts by their ids, as messages show them: "A17".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/evctl/context.hpp"

namespace evd::evctl {

// None: it is no alert's id, but perhaps an event's.
std::optional<std::int64_t> parse_alert_id(std::string_view text);

// The whole message and what became of it. Throws evd::Error when there is none.
void show_alert(Context& context, std::int64_t alert);

}  // namespace evd::evctl
