// The configuration as the programs use it: every default filled in, every *_file read, every name
// checked. Plain values; a reload makes a new Config. load.hpp reads one from a file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"
#include "common/config/channel_config.hpp"
#include "common/config/handler_config.hpp"

namespace evd {

struct DatabaseConfig {
  std::string url;       // empty: libpq's PG* variables and defaults
  std::string instance;  // empty: any
  int pool_size = 4;
};

struct TokenConfig {
  std::string role;  // "emitter", "reader" or "operator"
  std::string token;
};

struct DaemonConfig {
  std::vector<std::string> listen = {"unix:/run/evd/evd.sock", "127.0.0.1:8484"};
  std::string state_dir = "/var/lib/evd";
  std::vector<TokenConfig> tokens;
  std::vector<std::string> hosts = {"*"};
  std::vector<std::string> allowed_hosts;  // Host headers taken besides the addresses listened on
  std::string tls_cert;                    // paths of PEM files, given both or neither
  std::string tls_key;
  bool behind_proxy = false;
  int batch_size = 1000;
  Milliseconds spill_after{1'000};
  Milliseconds stop_timeout{30'000};
  std::int64_t spool_max = 1LL << 30;  // bytes; a full spool answers 507
  std::string log_level = "info";
  std::string log_format = "text";
  bool apply_at_start = false;
};

struct RecoveryConfig {
  Milliseconds every{10'000};
  Milliseconds node_timeout{30'000};
  Milliseconds max_runtime{50'000};
  Milliseconds retention{std::chrono::hours(24 * 30)};
  Milliseconds dedup_retention{std::chrono::hours(24 * 7)};
  Milliseconds escalate_after{std::chrono::hours(24)};
  std::string heartbeat_url;  // empty: none
};

struct DefaultsConfig {
  Milliseconds timeout{60'000};
  Milliseconds deadline{300'000};
  int max_attempts = 10;
  int alert_after = 3;
  RetryBy retry = RetryBy::k_daemon;
  Backoff backoff;
  std::int64_t max_args = 1 << 20;  // bytes
};

enum class Reliability { k_tracked, k_alert, k_best_effort };
std::string_view to_string(Reliability reliability);

struct EventConfig {
  std::string name;
  std::vector<std::string> handlers;  // all defined in Config::handlers; may be empty
  std::string owner;                  // empty: nobody in particular
  Milliseconds deadline{300'000};
  Reliability reliability = Reliability::k_tracked;
  bool alert_timeout = false;
  std::int64_t max_args = 1 << 20;  // bytes
};

struct OwnerConfig {
  std::string name;
  std::vector<std::string> alerts;  // all defined in Config::channels
};

struct Config {
  template <typename T>
  using ByName = std::map<std::string, T, std::less<>>;

  DatabaseConfig database;
  DaemonConfig daemon;
  RecoveryConfig recovery;
  DefaultsConfig defaults;
  ByName<EventConfig> events;
  ByName<HandlerConfig> handlers;
  ByName<OwnerConfig> owners;
  ByName<ChannelConfig> channels;
  std::string path;  // of the file; empty: none
  std::string text;  // the file as it was read, to be kept as the last good one. Holds secrets

  // Whether [daemon] hosts says that the handler runs on this machine.
  bool hosts_handler(std::string_view name) const;

  // Who hears about something of this owner: its channels, else those of [owners.default], else
  // none.
  std::vector<std::string> channels_of(std::string_view owner) const;
};

}  // namespace evd
