// What an error of an sql handler's statement says about its attempt. Pure functions.
#pragma once

#include "common/base/clock.hpp"
#include "common/journal/types.hpp"
#include "common/pg/error.hpp"

namespace evd::handlers {

// VE010 fails for good; VE011 is to be tried again after the seconds in DETAIL; all else is to be
// tried again. `timeout`: the statement_timeout it ran with.
journal::Outcome sql_outcome(const pg::Error& error, Milliseconds timeout);

}  // namespace evd::handlers
