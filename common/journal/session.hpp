// How a node's own sessions are set.
#pragma once

#include <string>

#include "common/config/config.hpp"
#include "common/pg/connection.hpp"

namespace evd::journal {

// `name`: the application_name. None outlives its node's lease amid a transaction, and none has its
// plans compiled, which takes longer than any statement of evd's.
pg::ConnectOptions session_options(const Config& config, const std::string& name);

}  // namespace evd::journal
