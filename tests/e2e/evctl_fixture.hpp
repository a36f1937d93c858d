// evctl as a user runs it: the real program, a database of the test's own, the example's
// configuration.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/evd_schema.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::test {

using Environment = std::vector<std::pair<std::string, std::optional<std::string>>>;

class Evctl : public testing::Test {
 protected:
  static std::string program() {
    const char* directory = std::getenv("EVD_BIN_DIR");
    return (directory != nullptr ? std::string(directory) : "build/release/bin") + "/evctl";
  }

  // Without --database; nothing of the test's own environment says which one.
  static RunResult run_bare(std::vector<std::string> args, Environment env = {}) {
    args.insert(args.begin(), program());
    SpawnOptions options;
    for (const char* name : {"EVD_CONFIG", "EVD_DATABASE_URL", "PGHOST", "PGPORT", "PGDATABASE",
                             "PGUSER", "PGSERVICE", "PGHOSTADDR"}) {
      options.env.emplace_back(name, std::nullopt);
    }
    for (auto& entry : env) options.env.push_back(std::move(entry));
    return run(std::move(args), std::move(options));
  }

  RunResult evctl(std::vector<std::string> args) const {
    args.insert(args.begin(), {"--database", database_.url()});
    return run_bare(std::move(args));
  }

  static nlohmann::json parse(const RunResult& result) {
    EXPECT_EQ(result.exit, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }

  // A configuration file of the example, with `extra` lines.
  std::string config(const std::string& extra = {}) const {
    const auto path = directory_ / "evd.toml";
    write_file(path, "[database]\nurl = \"" + database_.url() +
                         "\"\ninstance = \"shop-test\"\n"
                         "[events.purchased]\nhandlers = [\"giveCoupon\", \"lottery\"]\n"
                         "owner = \"growth\"\n"
                         "[handlers.giveCoupon]\nsql = \"select public.give_coupon($1)\"\n"
                         "[handlers.lottery]\nexec = [\"/bin/sh\", \"-c\", \"exit 1\"]\n"
                         "[owners.growth]\nalerts = []\n" +
                         extra);
    return path.string();
  }

  TestDatabase database_;
  TempDir directory_;
};

// With the schema and the example's events in the database.
class InstalledEvctl : public Evctl {
 protected:
  void SetUp() override {
    const auto migrated = run_bare({"--config", config(), "migrate"});
    ASSERT_EQ(migrated.exit, 0) << migrated.err;
    const auto applied = run_bare({"--config", config(), "apply"});
    ASSERT_EQ(applied.exit, 0) << applied.err;
  }

  std::string emit(const std::string& args = R"(["user A", 5000])") const {
    const auto result = evctl({"emit", "purchased", args});
    EXPECT_EQ(result.exit, 0) << result.err;
    return result.out.substr(0, result.out.find('\n'));
  }

  // Takes everything unread as a node would; giveCoupon comes to `state`, lottery is done.
  void take_all(const std::string& state, const std::string& error) const {
    auto connection = database_.connect();
    const auto node =
        number(connection, "select evd.register_node('test', 'evd', '0.1.0', '{giveCoupon}')");
    const auto window =
        number(connection, "select id from evd.claim($1, 7, 1000)", pg::params(node));
    value(connection,
          "select evd.close_window($1, $2, 7, '{}', '{}', '{}', i.ids,"
          " array_fill('giveCoupon'::text, array[cardinality(i.ids)]),"
          " array_fill($3::text, array[cardinality(i.ids)]),"
          " array_fill($4::text, array[cardinality(i.ids)]),"
          " array_fill(null::float8, array[cardinality(i.ids)]), false)"
          " from (select array_agg(id) as ids from evd.window_events($1)) i",
          pg::params(window, node, state, error));
  }
};

}  // namespace evd::test
