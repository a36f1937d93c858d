// Listening sockets from the addresses of the configuration.
#pragma once

#include <string>
#include <vector>

#include "common/base/unique_fd.hpp"

namespace evd::daemon {

struct ListeningSocket {
  UniqueFd fd;
  std::string address;   // for people
  std::string own_path;  // of a unix socket that was made here; empty: none
  bool is_unix = false;
};

// Those of these addresses; instead, where systemd passes sockets to this process, those alone.
// Throws as listen_on().
std::vector<ListeningSocket> listening_sockets(const std::vector<std::string>& addresses);

// Whether "HOST:PORT" can be reached from this machine alone.
bool is_loopback(const std::string& address);

// "HOST:PORT", "[::1]:PORT" or "unix:PATH". A unix socket is made with mode 0660, over one that
// nobody listens on. Throws ConfigError for a malformed address, and evd::Error for one that cannot
// be had.
UniqueFd listen_on(const std::string& address);

}  // namespace evd::daemon
