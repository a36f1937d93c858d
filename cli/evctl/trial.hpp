// Trying a handler once, outside the log: nothing is recorded, and what an sql handler did is
// rolled back.
#pragma once

#include <string>

#include "common/config/config.hpp"
#include "common/journal/types.hpp"
#include "common/pg/connection.hpp"

namespace evd::evctl {

struct TrialEvent {
  journal::Event event;
  std::string event_name;
  std::string instance;
};

struct TrialResult {
  journal::Outcome outcome;
  Milliseconds duration{0};
  bool is_rolled_back = false;  // sql
};

// Throws evd::Error when there is no such event.
TrialEvent load_event(pg::Connection& connection, std::int64_t id);

// An event that was never emitted: id 0, these args. Throws pg::Error for invalid JSON.
TrialEvent make_event(pg::Connection& connection, const std::string& event_name,
                      const std::string& args);

TrialResult try_sql(pg::Connection& connection, const HandlerConfig& handler,
                    const TrialEvent& event);
TrialResult try_program(const Config& config, const HandlerConfig& handler,
                        const TrialEvent& event);

}  // namespace evd::evctl
