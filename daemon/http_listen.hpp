// Listening sockets from the addresses of the configuration.
#pragma once

#include <string>

#include "common/base/unique_fd.hpp"

namespace evd::daemon {

// "HOST:PORT", "[::1]:PORT" or "unix:PATH". A unix socket is made with mode 0660, over one that
// nobody listens on. Throws ConfigError for a malformed address, and evd::Error for one that cannot
// be had.
UniqueFd listen_on(const std::string& address);

}  // namespace evd::daemon
