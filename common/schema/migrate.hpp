// Creates and upgrades the schema. Safe beside running daemons and when two do it at once. Each
// call belongs to the thread that owns the connection.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/pg/connection.hpp"

namespace evd::schema {

struct MigrateOptions {
  bool dry_run = false;
  bool with_roles = true;
  std::optional<std::string> instance = {};  // stored where none is; another one is refused

  // How often it asks for its locks, 5 s each time, so that no emit queues behind it for longer.
  int attempts = 12;
  std::chrono::milliseconds lock_timeout{5'000};
};

struct MigrateResult {
  int from = 0;  // the version found; 0: there was no schema
  int to = 0;
  std::vector<std::string> applied;            // migrations, by name; with dry_run: what would be
  std::vector<std::string> dropped_functions;  // whose signature is no longer any file's
  std::vector<std::string> old_nodes;          // running programs of another version than this one
};

// All of it in one transaction, or nothing. Throws SchemaError for a newer schema, another
// instance, and roles that it may not create; pg::Error (55P03) when the locks could not be had.
MigrateResult migrate(pg::Connection& connection, const MigrateOptions& options = {});

}  // namespace evd::schema
