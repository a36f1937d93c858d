#include "daemon/http_listen.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::daemon {
namespace {

constexpr int k_backlog = 1024;

[[noreturn]] void fail(const std::string& address, int error) {
  throw Error("cannot listen on " + address + ": " + errno_text(error));
}

sockaddr_un unix_address(const std::string& address, const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    throw ConfigError("daemon.listen: \"" + address + "\": a socket's path has 1 to 107 bytes");
  }
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return name;
}

bool somebody_listens(const sockaddr_un& name) {
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

UniqueFd listen_unix(const std::string& address, const std::string& path) {
  const sockaddr_un name = unix_address(address, path);
  if (somebody_listens(name)) fail(address, EADDRINUSE);
  unlink(path.c_str());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    fail(address, errno);
  chmod(path.c_str(), 0660);
  if (listen(fd.get(), k_backlog) != 0) fail(address, errno);
  return fd;
}

std::pair<std::string, std::string> host_and_port(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    throw ConfigError("daemon.listen: \"" + address + "\" is not HOST:PORT or unix:PATH");
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1)};
}

UniqueFd listen_tcp(const std::string& address) {
  const auto [host, port] = host_and_port(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    throw ConfigError("daemon.listen: \"" + address + "\": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> guard(found, &freeaddrinfo);
  UniqueFd fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0) fail(address, errno);
  if (listen(fd.get(), k_backlog) != 0) fail(address, errno);
  return fd;
}

constexpr std::string_view k_unix = "unix:";

std::vector<ListeningSocket> passed_sockets() {
  std::vector<ListeningSocket> sockets;
  const int count = sd_listen_fds(1);
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    const bool is_unix = sd_is_socket_unix(fd, SOCK_STREAM, 1, nullptr, 0) > 0;
    sockets.push_back({UniqueFd(fd), "a socket of systemd's", "", is_unix});
  }
  return sockets;
}

}  // namespace

std::vector<ListeningSocket> listening_sockets(const std::vector<std::string>& addresses) {
  std::vector<ListeningSocket> sockets = passed_sockets();
  if (!sockets.empty()) return sockets;
  for (const std::string& address : addresses) {
    const bool is_unix = address.starts_with(k_unix);
    sockets.push_back(
        {listen_on(address), address, is_unix ? address.substr(k_unix.size()) : "", is_unix});
  }
  return sockets;
}

bool is_loopback(const std::string& address) {
  const std::string host = host_and_port(address).first;
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

UniqueFd listen_on(const std::string& address) {
  if (address.starts_with(k_unix)) return listen_unix(address, address.substr(k_unix.size()));
  return listen_tcp(address);
}

}  // namespace evd::daemon
