// A tiny HTTP server on a loopback port, a free one unless told which. It records every request and
// answers each with the next scripted status; when the script is used up with 200, or what
// answer_all() said. Safe from any thread.
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.hpp"

namespace evd::test {

struct HttpAnswer {
  unsigned int status = 200;
  std::string body = "ok";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct HttpRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  unsigned int answered = 0;  // the status
};

class HttpServer {
 public:
  explicit HttpServer(int port = 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    daemon_ = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, nullptr, nullptr, &answer, this,
                               MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
                               &completed, this, MHD_OPTION_END);
    if (daemon_ == nullptr) throw Error("cannot start an HTTP server");
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() { MHD_stop_daemon(daemon_); }

  std::string url(const std::string& path = "/") const {
    const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT);
    return "http://127.0.0.1:" + std::to_string(info->port) + path;
  }

  void script(std::vector<HttpAnswer> answers) {
    const std::lock_guard lock(mutex_);
    for (auto& next : answers) script_.push_back(std::move(next));
  }

  void answer_all(HttpAnswer answer) {
    const std::lock_guard lock(mutex_);
    usual_ = std::move(answer);
  }

  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  static MHD_Result header(void* target, MHD_ValueKind, const char* key, const char* value) {
    std::string name(key);
    for (char& letter : name) {
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    static_cast<HttpRequest*>(target)->headers[name] = value == nullptr ? "" : value;
    return MHD_YES;
  }

  // Called for the head, for each piece of the body, and once more at its end.
  static MHD_Result answer(void* self, MHD_Connection* connection, const char* path,
                           const char* method, const char*, const char* data, std::size_t* size,
                           void** state) {
    if (*state == nullptr) {
      auto* request = new HttpRequest{method, path, {}, {}};
      MHD_get_connection_values(connection, MHD_HEADER_KIND, &header, request);
      *state = request;
      return MHD_YES;
    }
    auto* request = static_cast<HttpRequest*>(*state);
    if (*size > 0) {
      request->body.append(data, *size);
      *size = 0;
      return MHD_YES;
    }
    return static_cast<HttpServer*>(self)->reply(connection, *request);
  }

  static void completed(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
    delete static_cast<HttpRequest*>(*state);
    *state = nullptr;
  }

  MHD_Result reply(MHD_Connection* connection, const HttpRequest& request) {
    HttpAnswer next;
    {
      const std::lock_guard lock(mutex_);
      next = usual_;
      if (!script_.empty()) {
        next = std::move(script_.front());
        script_.pop_front();
      }
      requests_.push_back(request);
      requests_.back().answered = next.status;
    }
    auto* response =
        MHD_create_response_from_buffer(next.body.size(), next.body.data(), MHD_RESPMEM_MUST_COPY);
    for (const auto& [name, value] : next.headers) {
      MHD_add_response_header(response, name.c_str(), value.c_str());
    }
    const auto result = MHD_queue_response(connection, next.status, response);
    MHD_destroy_response(response);
    return result;
  }

  mutable std::mutex mutex_;  // guards what follows
  std::deque<HttpAnswer> script_;
  HttpAnswer usual_;
  std::vector<HttpRequest> requests_;
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace evd::test
