// Which events a verb is about, as options and as SQL. What comes from the user is always a
// parameter.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pg/params.hpp"

namespace evd::evctl {

struct Filter {
  std::string status;  // a number or a word
  std::string event;
  std::string handler;
  std::string owner;
  std::string since;  // a duration ago, or a time
  std::string like;   // an event's id: pairs that failed as one of its own did

  bool is_empty() const;
};

// --status, --event, --handler, --owner, --since.
void add_filter_options(CLI::App& command, Filter& filter);

enum class Scope {
  k_all,
  k_missing,  // only events with a pair that waits or is escalated: found without reading the log
};

// "where …" over evd.events e, or "" for all events. Throws ConfigError.
std::string where_clause(const Filter& filter, Scope scope, pg::Params& params);

// "escalated" or "3" is 3. Throws ConfigError, saying what was probably meant.
int parse_status(std::string_view text);

// An SQL expression for a time: a duration ("2h") from now, back or ahead, or what PostgreSQL reads
// as a timestamp.
std::string time_ago(std::string_view text, pg::Params& params);
std::string time_ahead(std::string_view text, pg::Params& params);

std::optional<std::string> if_any(const std::string& text);  // none where it is empty

// Throws ConfigError for what is no id.
std::int64_t parse_event_id(std::string_view text);
std::vector<std::int64_t> parse_event_ids(const std::vector<std::string>& texts);

}  // namespace evd::evctl
