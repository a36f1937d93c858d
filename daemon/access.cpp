#include "daemon/access.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "common/base/error.hpp"
#include "daemon/http_listen.hpp"

namespace evd::daemon {
namespace {

// Without brackets and port, in lower case.
std::string host_of(const std::string& authority) {
  std::string host = authority;
  if (host.starts_with("[")) {
    host = host.substr(1, host.find(']') - 1);
  } else if (const auto colon = host.rfind(':'); colon != std::string::npos) {
    host.erase(colon);
  }
  std::transform(host.begin(), host.end(), host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return host;
}

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool is_public(const std::string& path) {
  return path == "/healthz" || path == "/readyz" || path == "/metrics";
}

// Takes as long wherever they differ.
bool is_same_secret(const std::string& given, const std::string& known) {
  if (given.size() != known.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < known.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(known[i]);
  return difference == 0;
}

}  // namespace

Access::Access(const DaemonConfig& config)
    : hosts_{"localhost", "127.0.0.1", "::1"}, tokens_(config.tokens) {
  for (const std::string& address : config.listen) {
    if (address.starts_with("unix:")) continue;
    if (!is_loopback(address) && !config.behind_proxy) {
      throw ConfigError("daemon.listen: \"" + address +
                        "\" is not loopback: put a proxy that does TLS in front, and say "
                        "behind_proxy = true");
    }
    const std::string host = host_of(address);
    takes_any_address_ = takes_any_address_ || host == "0.0.0.0" || host == "::";
    hosts_.insert(host);
  }
  for (const std::string& host : config.allowed_hosts) hosts_.insert(host_of(host));
}

// A page on the web can make a browser here send requests under a name that leads to this address,
// but not under one that it does not know.
bool Access::knows_host(const std::string& header) const {
  const std::string host = host_of(header);
  return hosts_.contains(host) || (takes_any_address_ && is_ip_address(host));
}

std::optional<HttpResponse> Access::refuse(const HttpRequest& request) const {
  if (request.is_local) return std::nullopt;
  if (!knows_host(request.host)) return problem(421, "no such host here; see daemon.allowed_hosts");
  if (is_public(request.path)) return std::nullopt;
  constexpr std::string_view k_bearer = "Bearer ";
  if (!request.authorization.starts_with(k_bearer))
    return problem(401, "over TCP a token is needed: Authorization: Bearer …");
  const std::string given = request.authorization.substr(k_bearer.size());
  const TokenConfig* found = nullptr;
  for (const TokenConfig& token : tokens_) {
    if (is_same_secret(given, token.token)) found = &token;
  }
  if (found == nullptr) return problem(401, "this token is not known");
  if (found->role != "emitter" && found->role != "operator")
    return problem(403, "a token of role " + found->role + " may not emit");
  return std::nullopt;
}

}  // namespace evd::daemon
