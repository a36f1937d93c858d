// Brings the file's events and handlers into the database, and says where the two differ.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/config.hpp"
#include "common/pg/connection.hpp"

namespace evd::schema {

struct ApplyOptions {
  bool prune =
      false;  // retires events that the file lacks; refused (VE030) while pairs are outstanding
  std::string actor = {};  // who asked; the database role is kept besides
};

struct Change {
  enum class Kind { k_added, k_changed, k_removed };
  Kind kind = Kind::k_added;
  std::string name;
  std::string before;  // JSON objects of what differs; empty where there is none
  std::string after;
  std::int64_t outstanding = 0;  // pairs not yet resolved
};

struct ApplyPlan {
  std::vector<Change> events;
  std::vector<Change> handlers;
  std::vector<Change> settings;             // such as dedup_retention_ms
  std::vector<std::string> missing_events;  // in the database, not in the file, and left alone
  std::vector<std::string> missing_handlers;
  std::vector<std::string> lately_emitted;  // missing events that were emitted within 7 days
  std::string json;                         // evd.apply's whole answer

  bool is_empty() const { return events.empty() && handlers.empty() && settings.empty(); }
};

// The configuration as evd.apply takes it: no commands, statements, URLs or secrets.
std::string routes_json(const Config& config);

// What apply() would do. Throws pg::Error VE030 as apply() would.
ApplyPlan plan_apply(pg::Connection& connection, const Config& config,
                     const ApplyOptions& options = {});

ApplyPlan apply(pg::Connection& connection, const Config& config, const ApplyOptions& options = {});

// Where file and database differ, one line each; empty: nowhere.
std::vector<std::string> drift(pg::Connection& connection, const Config& config);

// Has somebody told where they differ, once, and when they do not any more. `where`: whose file it
// is, in brackets.
void note_drift(pg::Connection& connection, const Config& config, const std::string& where);

// Whether any event is known: `evd` applies by itself only to a database that has none.
bool has_routes(pg::Connection& connection);

}  // namespace evd::schema
