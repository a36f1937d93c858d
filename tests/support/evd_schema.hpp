// A database with evd's schema in it, and short words for what tests of it say again and again.
#pragma once

#include <string>

#include "common/pg/connection.hpp"
#include "tests/support/postgres.hpp"

namespace evd::test {

// Migrates it, with roles.
void install_schema(const TestDatabase& database);

// Makes an event known with its handlers (kind exec unless the name starts with "sql"), by
// evd.apply; what was known stays.
void make_route(pg::Connection& connection, const std::string& event_name,
                const std::vector<std::string>& handlers);

class EvdDatabase : public TestDatabase {
 public:
  EvdDatabase() { install_schema(*this); }
};

// The first value of the first row as text; "" for NULL or no row.
std::string value(pg::Connection& connection, const std::string& sql,
                  const pg::Params& params = {});
std::int64_t number(pg::Connection& connection, const std::string& sql,
                    const pg::Params& params = {});

// All rows, columns separated by "|" and rows by newlines, as psql -At prints them.
std::string rows(pg::Connection& connection, const std::string& sql, const pg::Params& params = {});

// "VE001: message" of a statement that fails; "" of one that succeeds.
std::string failure(pg::Connection& connection, const std::string& sql);

}  // namespace evd::test
