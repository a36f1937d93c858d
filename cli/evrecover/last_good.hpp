// What evrecover remembers between passes, in state_dir: the last configuration that was good,
// since a typo must not switch the safety net off, and that it complained about an absent database.
// Where state_dir cannot be written to, it forgets, and says more rather than less.
#pragma once

#include "cli/evrecover/options.hpp"
#include "common/config/config.hpp"

namespace evd::evrecover {

struct LoadedConfig {
  Config config;
  bool is_bad = false;  // the file is bad and this is the last good one
  std::string problem;  // what is wrong with the file
};

// Prints what is wrong with a bad file. Throws ConfigError when there is no good one to go on with.
LoadedConfig load_or_last_good(const Options& options);

// Whether the absence of the database is to be complained about: the first time, and then once an
// hour.
bool note_absence(const Config& config);
void forget_absence(const Config& config);

}  // namespace evd::evrecover
