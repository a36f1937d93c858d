#include "tests/bench/client/http_emitter.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tests/support/unix_socket.hpp"

namespace evd::bench {
namespace {

using SteadyTime = std::chrono::steady_clock;

constexpr std::string_view k_request =
    "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 52\r\n\r\n"
    R"({"event_name": "benched", "args": ["user A", 5000]} )";

UniqueFd connect_to(const std::string& path) {
  UniqueFd fd = test::connect_unix(path);
  if (!fd) throw Error(path + ": " + errno_text(errno));
  return fd;
}

class Client {
 public:
  explicit Client(const std::string& path) : fd_(connect_to(path)) {}

  int fd() const { return fd_.get(); }

  void ask() const {
    if (send(fd_.get(), k_request.data(), k_request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(k_request.size()))
      throw Error("cannot send a request");
  }

  // Whether the answer is complete.
  bool hear() {
    std::array<char, 4096> piece{};
    const ssize_t got = recv(fd_.get(), piece.data(), piece.size(), 0);
    if (got <= 0) throw Error("the daemon closed a connection");
    answer_.append(piece.data(), static_cast<std::size_t>(got));
    const std::size_t head = answer_.find("\r\n\r\n");
    // The body is one line.
    if (head == std::string::npos || answer_.back() != '\n' || answer_.size() == head + 4)
      return false;
    if (!answer_.starts_with("HTTP/1.1 201")) throw Error(answer_);
    answer_.clear();
    return true;
  }

 private:
  UniqueFd fd_;
  std::string answer_;
};

}  // namespace

HttpEmitted emit_http(const HttpEmitOptions& options) {
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  std::vector<Client> clients;
  clients.reserve(static_cast<std::size_t>(options.connections));
  for (int i = 0; i < options.connections; ++i) {
    Client& client = clients.emplace_back(options.socket);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    epoll_ctl(epoll.get(), EPOLL_CTL_ADD, client.fd(), &event);
  }
  const auto start = SteadyTime::now();
  const auto end = start + options.time;
  for (const Client& client : clients) client.ask();
  HttpEmitted emitted;
  std::array<epoll_event, 64> ready{};
  while (SteadyTime::now() < end) {
    const int count = epoll_wait(epoll.get(), ready.data(), static_cast<int>(ready.size()), 1'000);
    for (int i = 0; i < count; ++i) {
      Client& client = *static_cast<Client*>(ready.at(static_cast<std::size_t>(i)).data.ptr);
      if (!client.hear()) continue;
      emitted.events += 1;
      client.ask();
    }
  }
  emitted.seconds = std::chrono::duration<double>(SteadyTime::now() - start).count();
  return emitted;
}

}  // namespace evd::bench
