// What an application calls: emit, emit_many, the insert through the view, first_time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "common/pg/transaction.hpp"
#include "tests/support/evd_schema.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using ::testing::HasSubstr;

class Emit : public ::testing::Test {
 protected:
  Emit() { make_route(connection, "purchased", {"giveCoupon", "lottery"}); }

  // Whether another session waits for a lock.
  bool somebody_waits() {
    return number(connection,
                  "select count(*) from pg_stat_activity where datname = current_database()"
                  " and wait_event_type = 'Lock'") > 0;
  }

  EvdDatabase database;
  pg::Connection connection = database.connect();
};

TEST_F(Emit, KeepsEverythingItWasGiven) {
  const auto id = value(connection,
                        "select evd.emit('purchased', '[\"user A\", 5000.10]', 'a', null,"
                        " '2100-01-01Z', '{\"h\": 1}')");
  EXPECT_EQ(rows(connection,
                 "select event_name, args, key, headers, deliver_at = '2100-01-01Z',"
                 " expected, status, state from evd.events where id = " +
                     id),
            "purchased|[\"user A\", 5000.10]|a|{\"h\": 1}|t|{giveCoupon,lottery}|0|emitted");
}

TEST_F(Emit, TakesNullArgsForNone) {
  connection.query("select evd.emit('purchased', null)");
  EXPECT_EQ(value(connection, "select args from evd.events"), "[]");
}

TEST_F(Emit, LeavesNothingBehindWhenItsTransactionRollsBack) {
  {
    pg::Transaction transaction(connection);
    connection.query("select evd.emit('purchased')");
  }
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 0);
}

TEST_F(Emit, NamesAnEventThatIsNotKnown) {
  EXPECT_EQ(failure(connection, "select evd.emit('bought')"),
            "VE001: event_name: no such event: \"bought\"");
  EXPECT_EQ(failure(connection, "select evd.emit(null)"),
            "VE001: event_name: no such event: \"<NULL>\"");
}

TEST_F(Emit, NamesArgsThatAreTooLarge) {
  connection.query("update evd.route set max_args = 100");
  EXPECT_THAT(failure(connection, "select evd.emit('purchased', to_jsonb(repeat('x', 200)))"),
              ::testing::AllOf(HasSubstr("VE002: args: "), HasSubstr("100 allowed")));
}

TEST_F(Emit, MakesOneEventOfADedupKey) {
  const auto first = number(connection, "select evd.emit('purchased', dedup_key => 'k')");
  EXPECT_EQ(number(connection, "select evd.emit('purchased', dedup_key => 'k')"), first);
  make_route(connection, "other", {});
  EXPECT_NE(number(connection, "select evd.emit('other', dedup_key => 'k')"), first);
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 2);
}

TEST_F(Emit, WaitsForAnotherOfTheSameKeyAndThenReturnsItsId) {
  auto other = database.connect();
  connection.query("begin");
  const auto first = number(connection, "select evd.emit('purchased', dedup_key => 'k')");
  auto second = std::async(std::launch::async, [&] {
    return number(other, "select evd.emit('purchased', dedup_key => 'k')");
  });
  EXPECT_TRUE(eventually([&] { return somebody_waits(); }));
  connection.query("commit");
  EXPECT_EQ(second.get(), first);
}

TEST_F(Emit, FreesADedupKeyThatWasRolledBack) {
  auto other = database.connect();
  connection.query("begin");
  const auto first = number(connection, "select evd.emit('purchased', dedup_key => 'k')");
  auto second = std::async(std::launch::async, [&] {
    return number(other, "select evd.emit('purchased', dedup_key => 'k')");
  });
  EXPECT_TRUE(eventually([&] { return somebody_waits(); }));
  connection.query("rollback");
  EXPECT_NE(second.get(), first);
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
}

TEST_F(Emit, TakesADedupKeyAgainAfterItsRetention) {
  const auto first = number(connection, "select evd.emit('purchased', dedup_key => 'k')");
  connection.query("update evd.dedup set created_at = created_at - interval '8 days'");
  const auto second = number(connection, "select evd.emit('purchased', dedup_key => 'k')");
  EXPECT_NE(second, first);
  EXPECT_EQ(number(connection, "select evd.emit('purchased', dedup_key => 'k')"), second);
}

TEST_F(Emit, TakesManyInTheirOrder) {
  const auto ids = connection.query(
      "select evd.emit_many(jsonb_agg(jsonb_build_object('event_name', 'purchased',"
      " 'args', jsonb_build_array(i)) order by i)) from generate_series(0, 499) i");
  const auto list = ids.int64_array(0, 0);
  ASSERT_EQ(list.size(), 500U);
  EXPECT_EQ(value(connection,
                  "select bool_and(args = jsonb_build_array(o - 1))"
                  " from unnest($1::bigint[]) with ordinality u (id, o)"
                  " join evd.events using (id)",
                  pg::params(list)),
            "t");
}

TEST_F(Emit, KeepsTheOrderOfManyWithDedupKeys) {
  const auto ids =
      value(connection,
            "select evd.emit_many('[{\"event_name\": \"purchased\", \"dedup_key\": \"b\"},"
            " {\"event_name\": \"purchased\", \"dedup_key\": \"a\"},"
            " {\"event_name\": \"purchased\", \"dedup_key\": \"b\"}]')");
  EXPECT_EQ(ids, "{2,1,2}");
}

// Where two callers took the same keys in other orders, one of them would be ended.
TEST_F(Emit, TakesTheDedupKeysOfManyInOneOrderWhateverTheirs) {
  auto other = database.connect();
  connection.query("begin");
  connection.query("select evd.emit('purchased', dedup_key => 'a')");
  auto many = std::async(std::launch::async, [&] {
    return value(other,
                 "select evd.emit_many('[{\"event_name\": \"purchased\", \"dedup_key\": \"b\"},"
                 " {\"event_name\": \"purchased\", \"dedup_key\": \"a\"}]')");
  });
  EXPECT_TRUE(eventually([&] { return somebody_waits(); }));
  connection.query("set local lock_timeout = '20s'");
  EXPECT_EQ(failure(connection, "select evd.emit('purchased', dedup_key => 'b')"), "");
  connection.query("commit");
  EXPECT_EQ(many.get(),
            value(connection, "select array_agg(event_id order by key desc)::text from evd.dedup"));
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 2);
}

TEST_F(Emit, WritesABatchOnceHoweverOftenItIsRepeated) {
  const std::string batch =
      "select evd.emit_batch('00000000-0000-4000-8000-000000000001',"
      " '[{\"event_name\": \"purchased\"}]')";
  EXPECT_EQ(value(connection, batch), "{1}");
  EXPECT_EQ(value(connection, batch), "");
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
}

TEST_F(Emit, ABatchWaitsForAnotherOfTheSameUuid) {
  auto other = database.connect();
  const std::string batch =
      "select evd.emit_batch('00000000-0000-4000-8000-000000000001',"
      " '[{\"event_name\": \"purchased\"}]')";
  for (const std::string end : {"rollback", "commit"}) {
    connection.query("begin");
    connection.query(batch);
    auto again = std::async(std::launch::async, [&] { return value(other, batch); });
    EXPECT_TRUE(eventually([&] { return somebody_waits(); }));
    connection.query(end);
    const bool was_written = !again.get().empty();
    EXPECT_EQ(was_written, end == "rollback");
    EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
    if (end == "rollback") connection.query("truncate evd.ingest_batch, evd.event");
  }
}

TEST_F(Emit, ABatchThatIsRefusedLeavesNothingOfItsUuid) {
  const auto batch = [&](const std::string& name) {
    return failure(connection,
                   "select evd.emit_batch('00000000-0000-4000-8000-000000000001',"
                   " '[{\"event_name\": \"" +
                       name + "\"}]')");
  };
  EXPECT_THAT(batch("bought"), HasSubstr("VE001"));
  EXPECT_EQ(batch("purchased"), "");
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
}

TEST_F(Emit, RefusesAllOfManyNamingTheFirstBadOne) {
  EXPECT_EQ(
      failure(connection,
              "select evd.emit_many('[{\"event_name\": \"purchased\"}, {\"event_name\": \"x\"},"
              " {\"event_name\": \"y\"}]')"),
      "VE001: events[1].event_name: no such event: \"x\"");
  connection.query("update evd.route set max_args = 100");
  EXPECT_THAT(failure(connection,
                      "select evd.emit_many(jsonb_build_array(jsonb_build_object('event_name',"
                      " 'purchased', 'args', repeat('x', 200))))"),
              HasSubstr("VE002: events[0].args: "));
  EXPECT_THAT(failure(connection, "select evd.emit_many('{}')"), HasSubstr("22023: events: "));
  EXPECT_EQ(value(connection, "select evd.emit_many('[]')"), "{}");
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 0);
}

TEST_F(Emit, IsWhatAnInsertIntoTheViewDoes) {
  const auto ids = connection.query(
      "insert into evd.events (event_name, args, key) values ('purchased', '[1]', 'a'),"
      " ('purchased', default, null) returning id");
  EXPECT_EQ(ids.rows(), 2);
  EXPECT_EQ(rows(connection, "select args, key from evd.events order by id"), "[1]|a\n[]|");
  EXPECT_THAT(failure(connection, "insert into evd.events (event_name) values ('bought')"),
              HasSubstr("VE001"));
}

TEST_F(Emit, NotifiesOnlyASleeper) {
  auto listener = database.connect();
  listener.query("listen evd");
  connection.query("select evd.emit('purchased')");
  EXPECT_FALSE(listener.wait_notification(std::chrono::milliseconds{100}));
  connection.query("select evd.arm()");
  connection.query("select evd.emit('purchased')");
  EXPECT_TRUE(listener.wait_notification(std::chrono::seconds{10}));
  connection.query("set evd.notify = off");
  connection.query("select evd.emit('purchased')");
  EXPECT_FALSE(listener.wait_notification(std::chrono::milliseconds{100}));
  connection.query("reset evd.notify");
  connection.query("select evd.disarm()");
  connection.query("select evd.emit_many('[{\"event_name\": \"purchased\"}]')");
  EXPECT_FALSE(listener.wait_notification(std::chrono::milliseconds{100}));
}

TEST_F(Emit, IsSeenArmedFromASnapshotTakenBefore) {
  connection.query("begin isolation level repeatable read");
  connection.query("select 1 from evd.route");
  auto other = database.connect();
  other.query("listen evd");
  other.query("select evd.arm()");
  connection.query("select evd.emit('purchased')");
  connection.query("commit");
  EXPECT_TRUE(other.wait_notification(std::chrono::seconds{10}));
}

TEST_F(Emit, MayBePreparedWithNotifyOff) {
  connection.query("select evd.arm()");
  connection.query("begin");
  connection.query("set local evd.notify = off");
  connection.query("select evd.emit('purchased')");
  connection.query("prepare transaction 'emit_prepared'");
  connection.query("commit prepared 'emit_prepared'");
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
}

TEST_F(Emit, SaysFirstTimeOnceAndMakesTheSecondWait) {
  auto other = database.connect();
  connection.query("begin");
  EXPECT_EQ(value(connection, "select evd.first_time('k')"), "t");
  EXPECT_EQ(value(connection, "select evd.first_time('k')"), "f");
  auto second =
      std::async(std::launch::async, [&] { return value(other, "select evd.first_time('k')"); });
  EXPECT_TRUE(eventually([&] { return somebody_waits(); }));
  connection.query("rollback");
  EXPECT_EQ(second.get(), "t");
}

TEST_F(Emit, IsNeverRefusedForWantOfAPartition) {
  connection.query(
      "do $$ declare p regclass; begin for p in select inhrelid::regclass from"
      " pg_inherits where inhparent = 'evd.event'::regclass and inhrelid <>"
      " 'evd.event_default'::regclass loop execute format('drop table %s', p); end loop; end $$");
  connection.query("select evd.emit('purchased')");
  EXPECT_EQ(number(connection, "select count(*) from evd.event_default"), 1);
  // The day that the default partition has begun stays there: an emit under way would be refused.
  EXPECT_EQ(number(connection, "select evd.make_partitions(7)"), 7);
  EXPECT_EQ(number(connection, "select count(*) from evd.event_default"), 1);
  EXPECT_EQ(number(connection, "select count(*) from evd.events"), 1);
  EXPECT_EQ(number(connection, "select evd.make_partitions(7)"), 0);
}

TEST_F(Emit, DoesNotWaitForAPartitionThatCannotBeMadeNow) {
  connection.query(
      "drop table evd.event_" +
      value(connection,
            "select to_char(now() at time zone 'UTC' + interval '7 days', 'YYYYMMDD')"));
  auto reader = database.connect();
  reader.run_script("begin; lock table evd.event_default in access share mode");
  EXPECT_EQ(number(connection, "select evd.make_partitions(7)"), 0);
  reader.query("rollback");
  EXPECT_EQ(number(connection, "select evd.make_partitions(7)"), 1);
}

TEST_F(Emit, RefusesATimeThatNoDeadlineCanBeCountedFrom) {
  for (const std::string at : {"294276-12-31", "infinity"}) {
    EXPECT_THAT(failure(connection, "select evd.emit('purchased', deliver_at => '" + at + "')"),
                HasSubstr("22023: deliver_at"));
    EXPECT_THAT(failure(connection,
                        "select evd.emit_many(jsonb_build_array(jsonb_build_object('event_name', "
                        "'purchased', 'deliver_at', '" +
                            at + "')))"),
                HasSubstr("22023: events[0].deliver_at"));
  }
}

TEST_F(Emit, WaitsNoLongerForARetryHoweverManyAttemptsThereWere) {
  EXPECT_EQ(
      value(connection,
            "select bool_and(evd.retry_delay('giveCoupon', n) between '10 minutes' and '2 hours')"
            " from unnest('{100,650,100000,2000000000}'::int[]) n"),
      "t");
}

}  // namespace
}  // namespace evd::test
