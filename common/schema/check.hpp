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
      false;               // than the one stored: an upgrade of PostgreSQL, a restore, or a copy
  bool is_behind = false;  // the newest window is ahead of the current xid: see `evctl adopt`
};

// Throws SchemaError, one line a person can act on, when the schema is missing, older, newer or
// another instance's. An empty `instance` takes any.
SchemaStatus check_schema(pg::Connection& connection, const std::string& instance);

// The same for whoever takes events: also refuses a log whose newest window is ahead of the
// server's transaction ids, as after a restore into another cluster. New events would count as
// taken there.
SchemaStatus check_log(pg::Connection& connection, const std::string& instance);

}  // namespace evd::schema
