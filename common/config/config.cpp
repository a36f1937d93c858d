#include "common/config/config.hpp"

#include <algorithm>

namespace evd {

std::string_view to_string(HandlerKind kind) {
  constexpr std::array<std::string_view, 5> k_words = {"sql", "exec", "worker", "http", "plugin"};
  return k_words[static_cast<std::size_t>(kind)];
}

std::string_view to_string(ChannelKind kind) {
  constexpr std::array<std::string_view, 6> k_words = {"slack",        "webhook",       "exec",
                                                       "alertmanager", "elasticsearch", "email"};
  return k_words[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Reliability reliability) {
  constexpr std::array<std::string_view, 3> k_words = {"tracked", "alert", "best_effort"};
  return k_words[static_cast<std::size_t>(reliability)];
}

bool ChannelConfig::wants(std::string_view alert_kind) const {
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](const std::string& word) { return word == "*" || word == alert_kind; });
}

bool Config::hosts_handler(std::string_view name) const {
  return std::any_of(daemon.hosts.begin(), daemon.hosts.end(),
                     [&](const std::string& host) { return host == "*" || host == name; });
}

std::vector<std::string> Config::channels_of(std::string_view owner) const {
  auto found = owners.find(owner);
  if (found == owners.end()) found = owners.find("default");
  return found == owners.end() ? std::vector<std::string>() : found->second.alerts;
}

}  // namespace evd
