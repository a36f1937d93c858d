// The daemon from its options to its end: everything that main does not have to know.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.hpp"

namespace evd::daemon {

struct Options {
  std::optional<std::string> config;
  std::optional<std::string> database;
  std::optional<std::string> embedded;  // a directory; empty: in state_dir
};

// Throws ConfigError.
ExitCode check_config(const Options& options);

// Until SIGTERM or SIGINT. SIGHUP takes the configuration again; a file that is bad changes
// nothing.
ExitCode run(const Options& options);

}  // namespace evd::daemon
