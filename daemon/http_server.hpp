// The daemon's HTTP interface, on TCP and unix sockets, each with a thread of its own in
// libmicrohttpd. A POST waits for its answer without holding a thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/logging/logger.hpp"

namespace evd::daemon {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  int retry_after_s = 0;  // 0: not said
};

struct HttpRequest {
  std::string method, path, host, authorization, content_type;
  std::optional<std::string> idempotency_key;
  std::string body;
  bool is_local = false;  // came over a unix socket
};

class HttpServer {
 public:
  using Get = std::function<HttpResponse()>;  // called from the server's threads
  using Respond = std::function<void(HttpResponse)>;
  // Calls `respond` once, from any thread, at once or later.
  using Post = std::function<void(const HttpRequest&, Respond)>;
  // Looks at a request before its body: what refuses it, or nothing.
  using Guard = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

  struct Routes {
    std::map<std::string, Get> get;
    std::map<std::string, Post> post;
    Guard guard;
    std::size_t max_body = 8'388'608;     // bytes; more is answered with 413
    std::size_t max_bodies = 67'108'864;  // bytes of all that are under way; more, with 429
  };

  // `listen`: "HOST:PORT" or "unix:PATH", as in [daemon] listen; sockets that systemd passes take
  // their place. Throws ConfigError for an address that is malformed, and evd::Error for one that
  // cannot be listened on.
  HttpServer(const std::vector<std::string>& listen, Routes routes, logging::Logger& logger);
  // Accepts no more, waits until what came in is answered, and closes.
  ~HttpServer();

 private:
  struct Listener;
  struct Exchange;

  const Routes routes_;
  std::atomic<int> pending_{0};             // exchanges whose answer is waited for
  std::atomic<std::size_t> body_bytes_{0};  // that all exchanges hold
  std::vector<std::unique_ptr<Listener>> listeners_;
};

// RFC 9457.
HttpResponse problem(int status, const std::string& detail);

}  // namespace evd::daemon
