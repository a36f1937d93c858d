// Events from any table: evd.capture and evd.uncapture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/evd_schema.hpp"

namespace evd::test {
namespace {

using ::testing::HasSubstr;

class Capture : public ::testing::Test {
 protected:
  Capture() {
    make_route(connection, "order", {"lottery"});
    connection.run_script(
        "create schema shop;"
        "create table shop.\"Orders\" (id bigint primary key, who text, amount numeric, note text);"
        "create role " +
        writer + " login; grant usage on schema shop to " + writer +
        "; grant insert, update, delete, select on shop.\"Orders\" to " + writer);
  }
  ~Capture() override {
    try {
      connection.run_script("drop owned by " + writer + "; drop role " + writer);
    } catch (const pg::Error&) {
      ADD_FAILURE() << "the role stays";
    }
  }

  void capture(const std::string& rest = "") {
    connection.query("select evd.capture('shop.\"Orders\"', 'order'" + rest + ")");
  }
  void write(const std::string& sql) { connection.query(sql); }
  // The args of all events, oldest first.
  std::string events() {
    return rows(connection, "select args from evd.events where event_name = 'order' order by id");
  }
  EvdDatabase database;
  pg::Connection connection = database.connect();
  // Roles are the server's, which other tests share.
  const std::string writer = "capture_writer_" + std::to_string(getpid());
};

TEST_F(Capture, MakesAnEventOfEachChangeInTheWritersTransaction) {
  capture();
  write("insert into shop.\"Orders\" values (1, 'A', 5000.10)");
  write("update shop.\"Orders\" set amount = 7");
  write("delete from shop.\"Orders\"");
  write("begin");
  write("insert into shop.\"Orders\" values (2, 'B', 1)");
  write("rollback");
  EXPECT_EQ(
      events(),
      R"({"op": "insert", "new": {"id": 1, "who": "A", "note": null, "amount": 5000.10}, "old": null})"
      "\n"
      R"({"op": "update", "new": {"id": 1, "who": "A", "note": null, "amount": 7}, "old": {"id": 1, "who": "A", "note": null, "amount": 5000.10}})"
      "\n"
      R"({"op": "delete", "new": null, "old": {"id": 1, "who": "A", "note": null, "amount": 7}})");
}

TEST_F(Capture, TakesTheOperationsColumnsAndConditionThatWereAskedFor) {
  capture(", '{insert,update}', '{id,amount}', 'new.amount > 10'");
  write("insert into shop.\"Orders\" values (1, 'A', 5), (2, 'B', 50)");
  write("update shop.\"Orders\" set note = 'x'");
  write("update shop.\"Orders\" set amount = 60 where id = 2");
  write("delete from shop.\"Orders\"");
  EXPECT_EQ(events(),
            R"({"op": "insert", "new": {"id": 2, "amount": 50}, "old": null})"
            "\n"
            R"({"op": "update", "new": {"id": 2, "amount": 60}, "old": {"id": 2, "amount": 50}})");
}

TEST_F(Capture, NeedsNothingOfWhoeverWritesToTheTable) {
  capture();
  auto other = database.connect({{"role", writer}});
  other.query("insert into shop.\"Orders\" values (1, 'A', 1)");
  EXPECT_THAT(events(), HasSubstr("\"insert\""));
  EXPECT_THROW(other.query("select evd.emit('order')"), pg::Error) << "it may not emit by itself";
}

TEST_F(Capture, ReducesARowThatIsTooLargeToItsKey) {
  connection.query("update evd.route set max_args = 300");
  capture();
  write("insert into shop.\"Orders\" values (1, 'A', 1, repeat('x', 1000))");
  write("update shop.\"Orders\" set note = 'short'");
  EXPECT_EQ(events(), R"({"op": "insert", "new": {"id": 1}, "old": null, "truncated": true})"
                      "\n"
                      R"({"op": "update", "new": {"id": 1}, "old": {"id": 1}, "truncated": true})");
  write("alter table shop.\"Orders\" drop constraint \"Orders_pkey\"");
  write("update shop.\"Orders\" set note = repeat('y', 1000)");
  EXPECT_THAT(events(), HasSubstr(R"({"op": "update", "new": {}, "old": {}, "truncated": true})"));
}

TEST_F(Capture, IsReplacedByAnotherOfTheSameEvent) {
  capture();
  capture(", '{delete}'");
  write("insert into shop.\"Orders\" values (1, 'A', 1)");
  write("delete from shop.\"Orders\"");
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
}

TEST_F(Capture, LeavesNoTraceWhenItEnds) {
  make_route(connection, "order_other", {"lottery"});
  connection.query("select evd.capture('shop.\"Orders\"', 'order_other')");
  capture();
  EXPECT_EQ(value(connection, "select evd.uncapture('shop.\"Orders\"', 'order')"), "t");
  EXPECT_EQ(value(connection, "select evd.uncapture('shop.\"Orders\"', 'order')"), "f");
  EXPECT_EQ(number(connection,
                   "select count(*) from pg_trigger where not tgisinternal"
                   " and tgrelid = 'shop.\"Orders\"'::regclass"),
            3)
      << "those of the other event";
  write("insert into shop.\"Orders\" values (1, 'A', 1)");
  EXPECT_EQ(events(), "");
}

TEST_F(Capture, WorksOnAPartitionedTable) {
  connection.run_script(
      "create table shop.parts (id bigint primary key) partition by range (id);"
      "create table shop.part partition of shop.parts for values from (0) to (10);"
      "select evd.capture('shop.parts', 'order')");
  write("insert into shop.parts values (3)");
  EXPECT_EQ(events(), R"({"op": "insert", "new": {"id": 3}, "old": null})");
  EXPECT_EQ(value(connection, "select evd.uncapture('shop.parts', 'order')"), "t");
}

TEST_F(Capture, SaysWhatIsWrong) {
  EXPECT_EQ(failure(connection, "select evd.capture('shop.\"Orders\"', 'nothing')"),
            "VE001: event_name: no such event: \"nothing\"");
  EXPECT_THAT(failure(connection, "select evd.capture('shop.\"Orders\"', 'order', '{truncate}')"),
              HasSubstr("22023: operations"));
  EXPECT_THAT(failure(connection, "select evd.capture('shop.\"Orders\"', 'order', '{}')"),
              HasSubstr("22023: operations"));
  EXPECT_EQ(
      failure(connection, "select evd.capture('shop.\"Orders\"', 'order', columns => '{idd}')"),
      "42703: columns: shop.\"Orders\" has no column \"idd\"");
  EXPECT_THAT(failure(connection,
                      "select evd.capture('shop.\"Orders\"', 'order', only_when => 'old.id > 1')"),
              HasSubstr("INSERT trigger's WHEN condition cannot reference OLD"));
  EXPECT_THAT(failure(connection, "select evd.capture('evd.event', 'order')"),
              HasSubstr("its own log"));
}

TEST_F(Capture, HasTheRightsOfItsCaller) {
  auto other = database.connect({{"role", writer}});
  connection.query("grant evd_emitter to " + writer);
  EXPECT_THROW(other.query("select evd.capture('shop.\"Orders\"', 'order')"), pg::Error)
      << "the table is another's";
  connection.run_script("create schema authorization " + writer);
  other.query("create table " + writer + ".mine (id int)");
  other.query("select evd.capture('" + writer + ".mine', 'order')");
  other.query("insert into " + writer + ".mine values (1)");
  EXPECT_EQ(events(), R"({"op": "insert", "new": {"id": 1}, "old": null})");
}

TEST_F(Capture, CarriesNamesOfAnyLength) {
  const std::string name(63, 'n');
  make_route(connection, name, {"lottery"});
  connection.query("select evd.capture('shop.\"Orders\"', $1)", pg::params(name));
  write("insert into shop.\"Orders\" values (1, 'A', 1)");
  EXPECT_EQ(
      number(connection, "select count(*) from evd.events where event_name = $1", pg::params(name)),
      1);
}

}  // namespace
}  // namespace evd::test
