#include "common/pg/error.hpp"

#include <libpq-fe.h>

#include <cctype>
#include <utility>

namespace evd::pg {

namespace {

std::string describe(const ErrorFields& fields) {
  std::string text = one_line(fields.primary);
  if (!fields.detail.empty()) text += ": " + one_line(fields.detail);
  if (!fields.hint.empty()) text += " (" + one_line(fields.hint) + ")";
  if (!fields.sqlstate.empty()) text += " [" + fields.sqlstate + "]";
  return text;
}

std::string field(const pg_result* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value != nullptr ? value : "";
}

}  // namespace

Error::Error(ErrorFields fields) : evd::Error(describe(fields)), fields_(std::move(fields)) {}

bool Error::connection_lost() const {
  const std::string& state = fields_.sqlstate;
  return fields_.session_ended || state.starts_with("08") || state == "57P01" || state == "57P02" ||
         state == "57P03" || state == "25P03";
}

bool Error::transient() const {
  const std::string& state = fields_.sqlstate;
  return state == "40001" || state == "40P01" || state == "55P03" || state.starts_with("53");
}

bool Error::authentication_failed() const {
  // libpq refuses by itself, without a code, when the server asks for a password it does not have.
  return fields_.sqlstate.starts_with("28") ||
         (fields_.sqlstate.empty() &&
          fields_.primary.find("no password supplied") != std::string::npos);
}

Error make_error(const pg_conn* connection, const pg_result* result) {
  ErrorFields fields;
  fields.sqlstate = field(result, PG_DIAG_SQLSTATE);
  fields.primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
  fields.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  fields.hint = field(result, PG_DIAG_MESSAGE_HINT);
  const std::string severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  // An answer without a code is libpq's own: it could not write to a server that is gone. The
  // connection's status tells only at the next statement.
  const bool is_unsent = PQresultStatus(result) == PGRES_FATAL_ERROR && fields.sqlstate.empty();
  fields.session_ended = severity == "FATAL" || severity == "PANIC" || is_unsent ||
                         PQstatus(connection) == CONNECTION_BAD;
  if (fields.primary.empty()) fields.primary = one_line(PQresultErrorMessage(result));
  if (fields.primary.empty()) fields.primary = one_line(PQerrorMessage(connection));
  if (fields.primary.empty()) fields.primary = "PostgreSQL gave no answer";
  return Error(std::move(fields));
}

Error make_error(std::string_view sqlstate, std::string_view message) {
  ErrorFields fields;
  fields.sqlstate = sqlstate;
  fields.primary = message;
  return Error(std::move(fields));
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace evd::pg
