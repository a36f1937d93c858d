// evrecover from its options to its exit code.
#pragma once

#include "cli/evrecover/options.hpp"
#include "common/base/error.hpp"

namespace evd::evrecover {

// Errors of the configuration or the database are printed, at most once an hour for the same absent
// database.
ExitCode run(const Options& options);

}  // namespace evd::evrecover
