// Errors are told apart by what the caller can do next. An expected result, such as a handler that
// failed, is a value and never one of these.
#pragma once

#include <stdexcept>
#include <string>

namespace evd {

// The exit codes of evd, evrecover and evctl. Scripts depend on them.
enum class ExitCode : int {
  k_ok = 0,
  k_failed = 1,         // the request could not be done
  k_usage = 2,          // command line or configuration
  k_database_away = 3,  // PostgreSQL is out of reach
  k_schema = 4,         // schema missing, too old, too new, or another instance's
  k_escalated = 5,      // evrecover --fail-on-escalated
};

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The command line or the configuration file is wrong; a person must edit something.
class ConfigError : public Error {
 public:
  using Error::Error;
};

// The database's schema is not one that this program can work with.
class SchemaError : public Error {
 public:
  using Error::Error;
};

}  // namespace evd
