// Making and upgrading the schema, and refusing one that is not this program's.
#include "common/schema/migrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "common/base/error.hpp"
#include "common/schema/check.hpp"
#include "common/schema/scripts.hpp"
#include "tests/support/evd_schema.hpp"
#include "tests/support/process.hpp"

namespace evd::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The message of the SchemaError that `call` throws, or "" when it throws none.
template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const SchemaError& error) {
    return error.what();
  }
  return {};
}

class Migrate : public ::testing::Test {
 protected:
  TestDatabase database;
  pg::Connection connection = database.connect();
};

TEST_F(Migrate, MakesASchemaToEmitInto) {
  const auto result = schema::migrate(connection, {.instance = "shop"});
  EXPECT_EQ(result.from, 0);
  EXPECT_EQ(result.to, schema::k_schema_version);
  EXPECT_EQ(result.applied.size(), schema::migrations().size());
  make_route(connection, "purchased", {"lottery"});
  EXPECT_EQ(number(connection, "select evd.emit('purchased')"), 1);
  const auto status = schema::check_schema(connection, "shop");
  EXPECT_EQ(status.version, schema::k_schema_version);
  EXPECT_EQ(status.instance, "shop");
  EXPECT_FALSE(status.is_other_cluster);
  EXPECT_FALSE(schema::is_behind(connection));
}

TEST_F(Migrate, ChangesNothingTheSecondTime) {
  schema::migrate(connection);
  const auto result = schema::migrate(connection);
  EXPECT_EQ(result.from, schema::k_schema_version);
  EXPECT_THAT(result.applied, IsEmpty());
  EXPECT_THAT(result.dropped_functions, IsEmpty());
}

TEST_F(Migrate, IsDoneOnceWhenTwoDoItAtOnce) {
  auto run = [this] {
    auto own = database.connect();
    return schema::migrate(own).applied.size();
  };
  auto first = std::async(std::launch::async, run);
  auto second = std::async(std::launch::async, run);
  EXPECT_EQ(first.get() + second.get(), schema::migrations().size());
}

TEST_F(Migrate, WorksInTwoDatabasesOfOneClusterAtOnce) {
  TestDatabase other;
  auto run = [](const TestDatabase& target) {
    auto own = target.connect();
    schema::migrate(own);
  };
  auto first = std::async(std::launch::async, run, std::cref(database));
  auto second = std::async(std::launch::async, run, std::cref(other));
  EXPECT_NO_THROW(first.get());
  EXPECT_NO_THROW(second.get());
}

TEST_F(Migrate, WritesNothingInADryRun) {
  const auto result = schema::migrate(connection, {.dry_run = true});
  EXPECT_EQ(result.applied.size(), schema::migrations().size());
  EXPECT_EQ(value(connection, "select to_regnamespace('evd')"), "");
}

TEST_F(Migrate, DropsAnOldOverloadButNotWhatATriggerUses) {
  schema::migrate(connection);
  connection.query(
      "create function evd.emit(event_name text) returns bigint language sql as 'select "
      "1::bigint'");
  connection.query(
      "create function evd.users_own() returns trigger language plpgsql as 'begin return new; "
      "end'");
  connection.query("create table public.t (a integer)");
  connection.query(
      "create trigger t before insert on public.t for each row execute function evd.users_own()");
  const auto result = schema::migrate(connection);
  EXPECT_THAT(result.dropped_functions, ::testing::ElementsAre("evd.emit(text)"));
}

TEST_F(Migrate, ReplacesAFunctionThatReturnedSomethingElse) {
  schema::migrate(connection);
  connection.query("drop function evd.has_living_daemon(interval)");
  connection.query(
      "create function evd.has_living_daemon(p_timeout interval) returns text language sql"
      " as 'select null::text'");
  schema::migrate(connection);
  EXPECT_EQ(value(connection, "select pg_typeof(evd.has_living_daemon('1s'))"), "boolean");
}

TEST_F(Migrate, RefusesANewerSchema) {
  schema::migrate(connection);
  connection.query("update evd.meta set schema_version = schema_version + 1");
  EXPECT_THAT(refusal([&] { schema::migrate(connection); }), HasSubstr("newer"));
  EXPECT_THAT(refusal([&] { schema::check_schema(connection, ""); }), HasSubstr("too new"));
}

TEST_F(Migrate, RefusesAnotherInstance) {
  schema::migrate(connection, {.instance = "shop"});
  EXPECT_THAT(refusal([&] { schema::migrate(connection, {.instance = "copy"}); }),
              HasSubstr("instance \"shop\""));
  EXPECT_THAT(refusal([&] { schema::check_schema(connection, "copy"); }),
              HasSubstr("instance \"shop\""));
  EXPECT_EQ(refusal([&] { schema::check_schema(connection, ""); }), "");
}

TEST_F(Migrate, RefusesASchemaOfThatNameThatIsNotItsOwn) {
  connection.query("create schema evd");
  connection.query("create table evd.something (a integer)");
  EXPECT_THAT(refusal([&] { schema::migrate(connection); }), HasSubstr("not this program's"));
}

TEST_F(Migrate, SaysThatItHasNotBeenRun) {
  EXPECT_THAT(refusal([&] { schema::check_schema(connection, ""); }), HasSubstr("evctl migrate"));
  schema::migrate(connection);
  connection.query("update evd.meta set schema_version = 0");
  EXPECT_THAT(refusal([&] { schema::check_schema(connection, ""); }), HasSubstr("evctl migrate"));
}

TEST_F(Migrate, SeesThatTheNewestWindowIsAheadOfTheCluster) {
  schema::migrate(connection);
  connection.query("update evd.event_window set own_xid = '999999999999'");
  connection.query("update evd.meta set cluster = '1'");
  const auto status = schema::check_schema(connection, "");
  EXPECT_TRUE(schema::is_behind(connection));
  EXPECT_TRUE(status.is_other_cluster);
}

TEST_F(Migrate, NamesRunningNodesOfAnotherVersion) {
  schema::migrate(connection);
  connection.query("select evd.register_node('old-one', 'evd', '0.0.1', '{}')");
  EXPECT_THAT(schema::migrate(connection).old_nodes, Contains("old-one (evd 0.0.1)"));
}

TEST_F(Migrate, NamesNoRolesWhereItMayNotMakeThem) {
  const std::string role = database.name() + "_weak";
  connection.query("create role " + role + " login");
  connection.query("grant create on database " + database.name() + " to " + role);
  auto weak = database.connect({{"role", role}});
  const auto text = refusal([&] { schema::migrate(weak); });
  EXPECT_THAT(text, HasSubstr("--no-roles"));
  EXPECT_NO_THROW(schema::migrate(weak, {.with_roles = false}));
  make_route(weak, "purchased", {});
  EXPECT_EQ(number(weak, "select evd.emit('purchased')"), 1);
  connection.query("drop owned by " + role + " cascade");
  connection.query("drop role " + role);
}

TEST_F(Migrate, GivesUpWhenItsLocksCannotBeHad) {
  schema::migrate(connection);
  auto holder = database.connect();
  holder.query("begin");
  holder.query("select pg_advisory_xact_lock(6649444, 0)");
  schema::MigrateOptions options;
  options.attempts = 2;
  options.lock_timeout = std::chrono::milliseconds{50};
  try {
    schema::migrate(connection, options);
    FAIL() << "it had its locks";
  } catch (const pg::Error& error) {
    EXPECT_EQ(error.sqlstate(), "55P03");
  }
  holder.query("commit");
  EXPECT_NO_THROW(schema::migrate(connection));
}

TEST_F(Migrate, PrintsAScriptThatPsqlCanRunAlone) {
  const auto script = schema::full_script({.instance = "it's"});
  const auto first = run({"psql", "-X", "-q", "-d", database.url(), "-f", "-"}, {}, script);
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(schema::check_schema(connection, "it's").version, schema::k_schema_version);
  EXPECT_THAT(schema::migrate(connection).applied, IsEmpty());

  const auto second = run({"psql", "-X", "-q", "-d", database.url(), "-f", "-"}, {}, script);
  EXPECT_NE(second.exit, 0);
  EXPECT_THAT(second.err, HasSubstr("already exists"));
}

TEST_F(Migrate, PrintsAScriptWithoutRoles) {
  const auto script = schema::full_script({.with_roles = false});
  EXPECT_EQ(script.find("evd_worker"), std::string::npos);
  EXPECT_EQ(run({"psql", "-X", "-q", "-d", database.url(), "-f", "-"}, {}, script).exit, 0);
}

}  // namespace
}  // namespace evd::test
