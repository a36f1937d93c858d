// What a person's act is about: events by their ids, what an alert tells of, or all that a filter
// finds, which is asked for with its count.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/evctl/context.hpp"
#include "cli/evctl/filter.hpp"

namespace evd::evctl {

struct Selection {
  std::vector<std::string> ids;
  Filter filter;
  bool dry_run = false;
  bool yes = false;

  bool is_filter() const { return ids.empty(); }
};

// ID…, the filter's options and --like, --dry-run, --yes.
void add_selection_options(CLI::App& command, Selection& selection);

// Throws ConfigError, naming the verb: nothing is selected, or ids and a filter are, or no ids.
void check_selection(const Selection& selection, const std::string& verb);

struct Selected {
  std::vector<std::int64_t> ids;       // by position in the log, where a filter found them
  std::optional<std::string> handler;  // only this handler's pairs
};

// Throws evd::Error when an alert tells of nothing unresolved, or no pair of --like's event failed.
Selected select_events(pg::Connection& connection, const Selection& selection, Scope scope);

// A filter may mean more than its author thinks. Asks at a terminal; elsewhere throws ConfigError
// unless there is --yes or nothing to ask.
bool is_confirmed(const Selection& selection, const std::string& verb, std::size_t events);

}  // namespace evd::evctl
