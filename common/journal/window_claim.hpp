// Takes a window for a node and reads its events.
#pragma once

#include <optional>
#include <string_view>

#include "common/journal/types.hpp"
#include "common/pg/connection.hpp"
#include "common/pg/error.hpp"

namespace evd::journal {

// What an event is read by: read_event() takes these columns, from `column` on, of a result in
// binary.
inline constexpr std::string_view k_event_columns =
    "e.id, e.xid, e.route_id, e.created_at, e.args::text, e.key, e.headers::text";
inline constexpr int k_event_width = 7;

Event read_event(const pg::Result& result, int row, int column);

// NodeFenced where the database says so (VE020), else the error itself.
[[noreturn]] void throw_for(const pg::Error& error);

// The claim and, on its heels, the reading of what it took, each a transaction of its own. None:
// nothing to take. Throws pg::Error and NodeFenced; after a lost connection the node may hold a
// window.
std::optional<Window> claim_window(pg::Connection& connection, NodeId node,
                                   const ClaimRequest& request);

}  // namespace evd::journal
