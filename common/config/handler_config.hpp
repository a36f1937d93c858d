// What the file says about one handler, with [defaults] merged in. Plain values, copied freely.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"

namespace evd {

enum class HandlerKind { k_sql, k_exec, k_worker, k_http, k_plugin };
enum class RetryBy { k_daemon, k_cron };
enum class BodyFormat { k_evd, k_cloudevents };

// "sql", "exec", …: the key in the file.
std::string_view to_string(HandlerKind kind);

// The wait before attempt n+1 is min(max, base * factor^(n-1)), varied by ± jitter (a share).
struct Backoff {
  Milliseconds base{10'000};
  Milliseconds max{3'600'000};
  double factor = 3.0;
  double jitter = 0.2;
};

struct HttpTarget {
  std::string url;
  std::vector<std::string>
      secrets{};  // each signs, so that a secret can be rotated; empty: no signature
  BodyFormat format = BodyFormat::k_evd;
  std::vector<int> permanent_status{};  // fail for good, besides 410
};

struct HandlerConfig {
  std::string name;
  HandlerKind kind = HandlerKind::k_sql;
  std::string sql;                   // kind sql: one statement with $1
  std::vector<std::string> command;  // kinds exec and worker: never empty, no shell
  HttpTarget http;                   // kind http
  std::string plugin;                // kind plugin: path of the shared object
  int batch = 100;                   // events that share a transaction or a plugin's call
  Milliseconds timeout{60'000};      // of one attempt
  int max_attempts = 10;
  int alert_after = 3;  // failed attempts
  RetryBy retry = RetryBy::k_daemon;
  Backoff backoff;
  // Attempts (of a worker: of all its processes; of sql, batches) at once; sql: 1, http: 16.
  int concurrency = 4;
  int processes = 1;  // kind worker
  std::map<std::string, std::string> env;
  std::string cwd;  // empty: /
  std::string runbook;
  std::string owner;  // empty: the event's
};

}  // namespace evd
