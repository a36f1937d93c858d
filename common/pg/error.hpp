// What PostgreSQL or libpq refused, told apart by what the caller can do: open a new connection
// (connection_lost), run the same again (transient), or tell a person (all else).
// The text is always one line and never holds a password.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.hpp"

struct pg_conn;
struct pg_result;

namespace evd::pg {

struct ErrorFields {
  std::string sqlstate;  // five characters, or empty when libpq itself failed
  std::string primary;   // the server's message, without detail and hint
  std::string detail;
  std::string hint;
  bool session_ended = false;  // FATAL or PANIC, or libpq found the connection broken
};

class Error : public evd::Error {
 public:
  explicit Error(ErrorFields fields);

  const std::string& sqlstate() const { return fields_.sqlstate; }
  const std::string& primary() const { return fields_.primary; }
  const std::string& detail() const { return fields_.detail; }
  const std::string& hint() const { return fields_.hint; }

  // There is no usable session any more, or never was one. Whether a statement that was under way
  // took effect is unknown; a commit in flight may have happened.
  bool connection_lost() const;

  // The statement had no effect and may well succeed when it is run again: a serialization
  // failure, a deadlock, a lock not available, or resources short.
  bool transient() const;

  // The server was reached and refused this user: password, pg_hba.conf, or role.
  bool authentication_failed() const;

 private:
  ErrorFields fields_;
};

// The error of a failed result; `result` may be null, then the connection's message is used.
Error make_error(const pg_conn* connection, const pg_result* result);

// A failure that this library found by itself, before or after asking the server.
Error make_error(std::string_view sqlstate, std::string_view message);

// Every run of white space becomes one space, so that a log line or a mail subject stays one line.
std::string one_line(std::string_view text);

}  // namespace evd::pg
