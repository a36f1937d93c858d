// Who may ask what over HTTP. Over a unix socket its file's permissions have decided; over TCP the
// Host must be one of evd's, and all but what is public needs a token.
#pragma once

#include <set>

#include "common/config/config.hpp"
#include "daemon/http_server.hpp"

namespace evd::daemon {

class Access {
 public:
  // Throws ConfigError for an address that is not loopback where no proxy is said to be in front.
  explicit Access(const DaemonConfig& config);

  // What refuses the request; none: it may go on.
  std::optional<HttpResponse> refuse(const HttpRequest& request) const;

 private:
  bool knows_host(const std::string& header) const;

  std::set<std::string> hosts_;
  bool takes_any_address_ = false;  // as a Host: it listens on all of them
  std::vector<TokenConfig> tokens_;
};

}  // namespace evd::daemon
