#include "daemon/http_server.hpp"

#include <microhttpd.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <tuple>

#include "common/base/error.hpp"
#include "daemon/http_listen.hpp"

namespace evd::daemon {
namespace {

constexpr unsigned k_idle_timeout_s = 30;
constexpr unsigned k_connections = 10'000;
// For a request's head and a piece of its body. All of it is cleared for each request.
constexpr std::size_t k_connection_memory = 16'384;

const char* reason(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 507:
      return "Insufficient Storage";
    default:
      return "Service Unavailable";
  }
}

std::optional<std::string> header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

HttpRequest request_of(MHD_Connection* connection, const char* url, const char* method,
                       bool is_local) {
  HttpRequest request;
  request.method = method;
  request.path = url;
  request.host = header(connection, MHD_HTTP_HEADER_HOST).value_or("");
  request.authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION).value_or("");
  request.content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE).value_or("");
  request.idempotency_key = header(connection, "Idempotency-Key");
  request.is_local = is_local;
  return request;
}

bool is_announced_too_large(MHD_Connection* connection, std::size_t limit) {
  const auto length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::size_t bytes = 0;
  return length &&
         std::from_chars(length->data(), length->data() + length->size(), bytes).ec ==
             std::errc{} &&
         bytes > limit;
}

MHD_Result send(MHD_Connection* connection, const HttpResponse& reply) {
  MHD_Response* response = MHD_create_response_from_buffer(
      reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  if (reply.retry_after_s > 0) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
                            std::to_string(reply.retry_after_s).c_str());
  }
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(reply.status), response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

struct HttpServer::Listener {
  HttpServer* server = nullptr;
  bool is_local = false;
  std::string unix_path;  // to be removed with it
  MHD_Daemon* daemon = nullptr;

  ~Listener() {
    if (daemon != nullptr) MHD_stop_daemon(daemon);
    if (!unix_path.empty()) unlink(unix_path.c_str());
  }

  static MHD_Result handle(void* listener, MHD_Connection* connection, const char* url,
                           const char* method, const char* version, const char* upload,
                           size_t* upload_size, void** state);
  static void completed(void* listener, MHD_Connection* connection, void** state,
                        MHD_RequestTerminationCode code);
};

// One request, from its headers to its answer. Kept alive by the connection and by whoever is to
// answer.
struct HttpServer::Exchange : std::enable_shared_from_this<Exchange> {
  Exchange(HttpServer& owner, MHD_Connection* on, HttpRequest from)
      : server(owner), connection(on), request(std::move(from)) {}

  HttpServer& server;
  MHD_Connection* connection;
  HttpRequest request;
  std::optional<HttpResponse> refused;  // because of its body
  bool is_asked = false;

  std::mutex mutex;                    // guards the answer, which comes from another thread
  std::optional<HttpResponse> answer;  // once it is there

  // An answer that needs no body.
  std::optional<HttpResponse> early() const {
    const Routes& routes = server.routes_;
    const bool is_post = routes.post.contains(request.path);
    if (!is_post && !routes.get.contains(request.path))
      return problem(404, "there is no such path");
    if (server.routes_.guard) {
      if (auto reply = server.routes_.guard(request)) return reply;
    }
    const bool is_get =
        request.method == MHD_HTTP_METHOD_GET || request.method == MHD_HTTP_METHOD_HEAD;
    if (is_post ? request.method != MHD_HTTP_METHOD_POST : !is_get)
      return problem(405, is_post ? "only POST" : "only GET");
    return std::nullopt;
  }

  void add(const char* data, std::size_t size) {
    if (refused) return;
    if (request.body.size() + size > server.routes_.max_body) {
      refused = problem(413, "the body is too large");
    } else if (server.body_bytes_ + size > server.routes_.max_bodies) {
      refused = problem(429, "too many requests are under way");
    } else {
      server.body_bytes_ += size;
      request.body.append(data, size);
    }
    if (refused) drop_body();
  }

  void drop_body() {
    server.body_bytes_ -= request.body.size();
    std::string().swap(request.body);
  }

  // The body is there. Whoever answers resumes the connection.
  MHD_Result ask() {
    if (refused) return send(connection, *refused);
    if (const auto get = server.routes_.get.find(request.path); get != server.routes_.get.end())
      return send(connection, get->second());
    is_asked = true;
    ++server.pending_;
    MHD_suspend_connection(connection);
    server.routes_.post.at(request.path)(request,
                                         [self = shared_from_this()](HttpResponse response) {
                                           {
                                             const std::lock_guard lock(self->mutex);
                                             self->answer = std::move(response);
                                           }
                                           MHD_resume_connection(self->connection);
                                         });
    return MHD_YES;
  }

  MHD_Result answered() {
    const std::lock_guard lock(mutex);
    if (!answer) return MHD_YES;  // woken early
    return send(connection, *answer);
  }
};

MHD_Result HttpServer::Listener::handle(void* listener, MHD_Connection* connection, const char* url,
                                        const char* method, const char*, const char* upload,
                                        size_t* upload_size, void** state) {
  const auto& self = *static_cast<Listener*>(listener);
  if (*state == nullptr) {
    auto exchange = std::make_shared<Exchange>(*self.server, connection,
                                               request_of(connection, url, method, self.is_local));
    *state = new std::shared_ptr<Exchange>(exchange);  // completed() deletes it
    if (const auto refused = exchange->early()) return send(connection, *refused);
    if (is_announced_too_large(connection, self.server->routes_.max_body))
      return send(connection, problem(413, "the body is too large"));
    return MHD_YES;
  }
  Exchange& exchange = **static_cast<std::shared_ptr<Exchange>*>(*state);
  if (*upload_size > 0) {
    exchange.add(upload, *upload_size);
    *upload_size = 0;
    return MHD_YES;
  }
  return exchange.is_asked ? exchange.answered() : exchange.ask();
}

void HttpServer::Listener::completed(void*, MHD_Connection*, void** state,
                                     MHD_RequestTerminationCode) {
  auto* exchange = static_cast<std::shared_ptr<Exchange>*>(*state);
  if (exchange == nullptr) return;
  (*exchange)->drop_body();
  if ((*exchange)->is_asked) --(*exchange)->server.pending_;
  delete exchange;
  *state = nullptr;
}

HttpServer::HttpServer(const std::vector<std::string>& listen, Routes routes,
                       logging::Logger& logger)
    : routes_(std::move(routes)) {
  for (ListeningSocket& socket : listening_sockets(listen)) {
    auto listener = std::make_unique<Listener>();
    listener->server = this;
    listener->is_local = socket.is_unix;
    listener->unix_path = socket.own_path;
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr,
        &Listener::handle, listener.get(), MHD_OPTION_LISTEN_SOCKET, socket.fd.get(),
        MHD_OPTION_CONNECTION_TIMEOUT, k_idle_timeout_s, MHD_OPTION_CONNECTION_LIMIT, k_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, k_connection_memory, MHD_OPTION_NOTIFY_COMPLETED,
        &Listener::completed, listener.get(), MHD_OPTION_END);
    if (listener->daemon == nullptr) throw Error("cannot serve HTTP on " + socket.address);
    std::ignore = socket.fd.release();  // libmicrohttpd closes it
    listeners_.push_back(std::move(listener));
    logger.info("listening", {{"address", socket.address}});
  }
}

HttpServer::~HttpServer() {
  for (const auto& listener : listeners_) {
    const int fd = MHD_quiesce_daemon(listener->daemon);
    if (fd >= 0) close(fd);
  }
  // Whoever answers does so in bounded time. A connection that waits must not be stopped.
  while (pending_ > 0) usleep(1'000);
}

HttpResponse problem(int status, const std::string& detail) {
  const nlohmann::json body = {
      {"type", "about:blank"}, {"title", reason(status)}, {"status", status}, {"detail", detail}};
  return {status, "application/problem+json",
          body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
          status == 429 || status == 503 ? 1 : 0};
}

}  // namespace evd::daemon
