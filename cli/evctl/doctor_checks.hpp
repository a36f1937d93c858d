// What `evctl doctor` looks at in the database, each check apart from the others.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/config/config.hpp"
#include "common/pg/connection.hpp"

namespace evd::evctl {

enum class Level { k_ok, k_warn, k_fail };
std::string_view to_string(Level level);

struct Finding {
  Level level = Level::k_ok;
  std::string check;
  std::string text;
  std::string mend;  // empty where there is nothing to mend
};

using Findings = std::vector<Finding>;
Findings one(Level level, std::string check, std::string text, std::string mend = {});

struct DatabaseCheck {
  const char* name;
  Findings (*run)(pg::Connection& connection, const Config& config);
};

// In an order in which an earlier failure explains later ones. The first is whether the schema can
// be worked with at all: without that none of the others can run.
std::span<const DatabaseCheck> database_checks();

// What is escalated, unread, and for how long: "escalated=0 unread=12 lag=0.4s".
std::string describe_figures(pg::Connection& connection);

}  // namespace evd::evctl
