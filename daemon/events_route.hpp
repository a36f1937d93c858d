// POST /v1/events.
#pragma once

#include "common/dispatch/untracked.hpp"
#include "common/ingest/committer.hpp"
#include "daemon/control.hpp"
#include "daemon/http_server.hpp"

namespace evd::daemon {

// Who runs events that are not tracked; null while the configuration is read again, when every
// event is tracked.
using UntrackedSlot = Published<std::shared_ptr<dispatch::Untracked>>;

// Both outlive it.
HttpServer::Post events_route(ingest::Committer& committer, const UntrackedSlot& untracked);

}  // namespace evd::daemon
