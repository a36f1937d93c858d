// What the file says about one alert channel, its secrets read. Plain values.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"

namespace evd {

enum class ChannelKind { k_slack, k_webhook, k_exec, k_alertmanager, k_elasticsearch, k_email };

// "slack", "webhook", …: the key in the file.
std::string_view to_string(ChannelKind kind);

// The kinds of alerts, as in a channel's `kinds`.
inline constexpr std::array<std::string_view, 13> k_alert_kinds = {
    "failing",    "escalated",    "stalled",          "timeout",      "emit_failed",
    "backlog",    "node_lost",    "recovery_stalled", "channel_away", "database_away",
    "config_bad", "config_drift", "recovered"};

struct ChannelTarget {
  std::string url;                   // slack, webhook, alertmanager, elasticsearch
  std::vector<std::string> secrets;  // webhook: each signs
  std::string index = "evd-alerts";  // elasticsearch
  std::string smtp;                  // email: smtp://host:port or smtps://…
  std::string username;              // email: empty: no authentication
  std::string password;
  std::string from;
  std::vector<std::string> to;
  std::string ca_file;   // email: PEM; empty: those that the system trusts
  bool starttls = true;  // email: required whenever the server is not loopback
};

struct ChannelConfig {
  std::string name;
  ChannelKind kind = ChannelKind::k_exec;
  ChannelTarget target;
  std::vector<std::string> command;  // kind exec: no shell
  Milliseconds group_wait{10'000};
  Milliseconds repeat{3'600'000};
  bool include_args = false;
  std::vector<std::string> kinds = {"*"};

  bool wants(std::string_view alert_kind) const;
};

}  // namespace evd
