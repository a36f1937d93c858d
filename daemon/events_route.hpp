// POST /v1/events.
#pragma once

#include "common/ingest/committer.hpp"
#include "daemon/http_server.hpp"

namespace evd::daemon {

// `committer` outlives it.
HttpServer::Post events_route(ingest::Committer& committer);

}  // namespace evd::daemon
