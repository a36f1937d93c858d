// One message to people: what happened to which events, how often, and what to do about it. A plain
// value; every channel renders it in its own form.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evd::alert {

struct Example {
  std::optional<std::int64_t> event_id;
  int attempts = 0;
  std::string error;
  std::string at;                   // ISO 8601, UTC
  std::optional<std::string> args;  // only where the channel asks for them; truncated
};

// Errors that differ only in numbers, ids and quoted text.
struct Cause {
  std::int64_t pairs = 0;
  std::string error;
};

struct Alert {
  std::string id;        // "A17"; empty when it comes from outside the database
  std::string instance;  // empty: unnamed
  std::string kind;      // one of k_alert_kinds
  std::string event_name;
  std::string handler;
  std::string owner;
  std::string runbook;
  std::int64_t count = 1;  // of failing pairs, of which event_ids and examples show a few
  std::vector<std::int64_t> event_ids;  // a hundred at most
  std::vector<Example> examples;        // three at most
  std::vector<Cause> causes;            // the most frequent, three at most
  int attempts = 0;
  std::string last_error;
  std::vector<std::string> recovers;  // kind recovered: the ids of the alerts that are over
  std::string first_at;               // ISO 8601, UTC
  std::string last_at;
  std::string reminded_at;      // of a reminder: when it was made; else empty
  std::int64_t unresolved = 0;  // of a reminder: pairs, of this and what was told about the same

  bool is_recovered() const { return kind == "recovered"; }
  bool is_reminder() const { return !reminded_at.empty(); }

  // Unique to this message and the same when it is posted again. A reminder is another one.
  std::string message_id() const;

  // The command that runs what is missing again; empty where there is nothing to run. It names ids
  // only, and the alert where the ids are too many.
  std::string command() const;

  // One line: "[shop] escalated: purchased/lottery, 3 events (A17)".
  std::string headline() const;

  // What the headline leaves out, a line each: "last error: …".
  std::string details() const;

  std::string text() const;  // headline and details
};

// As evd.alert_message gives it. Throws nlohmann::json::exception when it is not that.
Alert parse_alert(std::string_view json);

// For programs: every field, with the command and the text.
nlohmann::json to_json(const Alert& alert);

}  // namespace evd::alert
