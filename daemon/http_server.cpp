#include "daemon/http_server.hpp"

#include <microhttpd.h>
#include <unistd.h>

#include <cstring>
#include <tuple>

#include "common/base/error.hpp"
#include "daemon/http_listen.hpp"

namespace evd::daemon {
namespace {

using Routes = std::map<std::string, HttpServer::Route>;

constexpr unsigned k_idle_timeout_s = 30;

HttpResponse answer(const Routes& routes, const std::string& method, const std::string& path) {
  const auto route = routes.find(path);
  if (route == routes.end()) return {404, "text/plain; charset=utf-8", "not found\n"};
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
    return {405, "text/plain; charset=utf-8", "only GET\n"};
  }
  return route->second();
}

MHD_Result handle(void* routes, MHD_Connection* connection, const char* url, const char* method,
                  const char*, const char*, size_t* upload_size, void** state) {
  if (*state == nullptr) {  // the headers are there; answering now would close a connection with a
                            // body under way
    *state = routes;
    return MHD_YES;
  }
  if (*upload_size > 0) {
    *upload_size = 0;
    return MHD_YES;
  }
  const HttpResponse reply = answer(*static_cast<const Routes*>(routes), method, url);
  MHD_Response* response = MHD_create_response_from_buffer(
      reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(reply.status), response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

struct HttpServer::Listener {
  std::string unix_path;
  MHD_Daemon* daemon = nullptr;

  ~Listener() {
    if (daemon != nullptr) MHD_stop_daemon(daemon);
    if (!unix_path.empty()) unlink(unix_path.c_str());
  }
};

HttpServer::HttpServer(const std::vector<std::string>& listen,
                       std::map<std::string, Route> get_routes, logging::Logger& logger)
    : get_routes_(std::move(get_routes)) {
  for (const std::string& address : listen) {
    UniqueFd fd = listen_on(address);
    auto listener = std::make_unique<Listener>();
    if (address.starts_with("unix:")) listener->unix_path = address.substr(std::strlen("unix:"));
    listener->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, nullptr, nullptr, &handle,
                         const_cast<Routes*>(&get_routes_), MHD_OPTION_LISTEN_SOCKET, fd.get(),
                         MHD_OPTION_CONNECTION_TIMEOUT, k_idle_timeout_s, MHD_OPTION_END);
    if (listener->daemon == nullptr) throw Error("cannot serve HTTP on " + address);
    std::ignore = fd.release();  // libmicrohttpd closes it
    listeners_.push_back(std::move(listener));
    logger.info("listening", {{"address", address}});
  }
}

HttpServer::~HttpServer() = default;

}  // namespace evd::daemon
