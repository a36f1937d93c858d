#include "tests/support/evd_schema.hpp"

#include <nlohmann/json.hpp>

#include "common/schema/migrate.hpp"

namespace evd::test {

void install_schema(const TestDatabase& database) {
  auto connection = database.connect();
  schema::migrate(connection, {.instance = "test"});
}

void make_route(pg::Connection& connection, const std::string& event_name,
                const std::vector<std::string>& handlers) {
  nlohmann::json config{{"events", {{event_name, {{"handlers", handlers}}}}},
                        {"handlers", nlohmann::json::object()}};
  for (const auto& name : handlers)
    config["handlers"][name] = {{"kind", name.starts_with("sql") ? "sql" : "exec"}};
  connection.query("select evd.apply($1)", pg::params(config.dump()));
}

std::string value(pg::Connection& connection, const std::string& sql, const pg::Params& params) {
  const auto result = connection.query(sql, params);
  return result.empty() ? std::string() : result.optional_string(0, 0).value_or("");
}

std::int64_t number(pg::Connection& connection, const std::string& sql, const pg::Params& params) {
  return connection.query(sql, params).int64(0, 0);
}

std::string rows(pg::Connection& connection, const std::string& sql, const pg::Params& params) {
  const auto result = connection.query(sql, params);
  std::string text;
  for (int row = 0; row < result.rows(); ++row) {
    if (row > 0) text += "\n";
    for (int column = 0; column < result.columns(); ++column) {
      if (column > 0) text += "|";
      text += result.optional_string(row, column).value_or("");
    }
  }
  return text;
}

std::string failure(pg::Connection& connection, const std::string& sql) {
  try {
    connection.query(sql);
  } catch (const pg::Error& error) {
    return error.sqlstate() + ": " + error.primary();
  }
  return {};
}

}  // namespace evd::test
