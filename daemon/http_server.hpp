// The daemon's HTTP interface, on TCP and unix sockets, each with a thread of its own in
// libmicrohttpd.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/logging/logger.hpp"

namespace evd::daemon {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer {
 public:
  using Route = std::function<HttpResponse()>;  // called from the server's threads

  // `listen`: "HOST:PORT" or "unix:PATH", as in [daemon] listen. Throws ConfigError for an address
  // that is malformed, and evd::Error for one that cannot be listened on.
  HttpServer(const std::vector<std::string>& listen, std::map<std::string, Route> get_routes,
             logging::Logger& logger);
  ~HttpServer();

 private:
  struct Listener;

  const std::map<std::string, Route> get_routes_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace evd::daemon
