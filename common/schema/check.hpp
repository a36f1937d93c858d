// Whether a database's schema is one that this program can work with; asked at every start.
#pragma once

#include <string>

#include "common/pg/connection.hpp"
#include "common/schema/version.hpp"

namespace evd::schema {

struct SchemaStatus {
  int version = 0;
  std::string instance;  // empty: none is stored
  std::string cluster;   // PostgreSQL's system identifier now
  bool is_other_cluster =
      false;  // than the one stored: an upgrade of PostgreSQL, a restore, or a copy
};

// Throws SchemaError, one line a person can act on, when the schema is missing, older, newer or
// another instance's. An empty `instance` takes any.
SchemaStatus check_schema(pg::Connection& connection, const std::string& instance);

// Whether the server's transaction ids are lower than the log's: see `evctl adopt`. Not for
// whoever only looks: it reads the log's end.
bool is_behind(pg::Connection& connection);

// The same for whoever takes events: also refuses a log that was restored into a server with lower
// transaction ids. New events would count as taken there.
SchemaStatus check_log(pg::Connection& connection, const std::string& instance);

// Notes a cluster that check_log() found to be another one and let pass. False: it is the same.
bool stamp_cluster(pg::Connection& connection, const SchemaStatus& status);

}  // namespace evd::schema
