// Taking windows of the log: every event in exactly one, whatever the order of commits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <optional>

#include "tests/support/evd_schema.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Claim : public ::testing::Test {
 protected:
  Claim() {
    make_route(connection, "purchased", {"lottery"});
    node = number(connection, "select evd.register_node('n', 'evd', '1', '{lottery}')");
  }

  std::int64_t emit(pg::Connection& by) { return number(by, "select evd.emit('purchased')"); }

  // The ids of the window taken, in log order; empty: there was nothing to take.
  std::vector<std::int64_t> claim(int limit = 1000) {
    const auto window =
        connection.query("select id from evd.claim($1, 7, $2)", pg::params(node, limit));
    if (window.empty()) return {};
    last = window.int64(0, 0);
    return connection
        .query("select coalesce(array_agg(e.id), '{}') from evd.window_events($1) e",
               pg::params(last))
        .int64_array(0, 0);
  }

  void close() {
    connection.query(
        "select evd.close_window($1, $2, 7, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', false)",
        pg::params(last, node));
  }

  EvdDatabase database;
  pg::Connection connection = database.connect();
  std::int64_t node = 0;
  std::int64_t last = 0;
};

TEST_F(Claim, TakesNothingAndWritesNothingOfAnEmptyLog) {
  EXPECT_THAT(claim(), ElementsAre());
  EXPECT_EQ(number(connection, "select count(*) from evd.event_window"), 1);
}

TEST_F(Claim, TakesEachEventOnceUpToItsLimit) {
  for (int i = 0; i < 5; ++i) emit(connection);
  EXPECT_THAT(claim(2), ElementsAre(1, 2));
  EXPECT_THAT(claim(2), ElementsAre(3, 4));
  emit(connection);
  EXPECT_THAT(claim(2), ElementsAre(5));
  EXPECT_THAT(claim(2), ElementsAre(6));
  EXPECT_THAT(claim(2), ElementsAre());
  EXPECT_EQ(
      number(connection, "select total_events from evd.event_window order by id desc limit 1"), 6);
}

TEST_F(Claim, TakesALateCommitterOnceAndDelaysNobodyForIt) {
  auto late = database.connect();
  late.query("begin");
  EXPECT_EQ(emit(late), 1);
  emit(connection);
  EXPECT_THAT(claim(), ElementsAre(2));
  emit(connection);
  EXPECT_THAT(claim(), ElementsAre(3));
  late.query("commit");
  emit(connection);
  // The straggler and the newest are of one pair of snapshots, the straggler's window first.
  EXPECT_THAT(claim(), ElementsAre(1));
  EXPECT_THAT(claim(), ElementsAre(4));
  EXPECT_THAT(claim(), ElementsAre());
}

// What is left of the same two snapshots is looked for unless a window says that it is the last.
TEST_F(Claim, IsTheLastOfItsSnapshotsOnlyWhereNothingOfThemIsLeft) {
  const auto is_last = [&] {
    return connection.query("select is_last from evd.event_window where id = $1", pg::params(last))
        .boolean(0, 0);
  };
  auto late = database.connect();
  late.query("begin");
  emit(late);
  for (int i = 0; i < 3; ++i) emit(connection);
  EXPECT_THAT(claim(2), ElementsAre(2, 3));
  EXPECT_FALSE(is_last()) << "it was full";
  EXPECT_THAT(claim(2), ElementsAre(4));
  EXPECT_TRUE(is_last());
  late.query("commit");
  emit(connection);
  EXPECT_THAT(claim(2), ElementsAre(1));
  EXPECT_FALSE(is_last()) << "a straggler's comes before the others";
  EXPECT_THAT(claim(2), ElementsAre(5));
  EXPECT_TRUE(is_last());
}

TEST_F(Claim, TakesAPreparedTransactionOnceItCommits) {
  auto late = database.connect();
  late.query("begin");
  emit(late);
  const auto name = database.name();
  late.query("prepare transaction '" + name + "'");
  emit(connection);
  EXPECT_THAT(claim(), ElementsAre(2));
  EXPECT_THAT(claim(), ElementsAre());
  late.query("commit prepared '" + name + "'");
  EXPECT_THAT(claim(), ElementsAre(1));
  EXPECT_THAT(claim(), ElementsAre());
}

TEST_F(Claim, ContinuesAmongManyStragglers) {
  auto late = database.connect();
  late.query("begin");
  for (int i = 0; i < 5; ++i) emit(late);
  emit(connection);
  EXPECT_THAT(claim(), ElementsAre(6));
  late.query("commit");
  EXPECT_THAT(claim(2), ElementsAre(1, 2));
  EXPECT_THAT(claim(2), ElementsAre(3, 4));
  EXPECT_THAT(claim(2), ElementsAre(5));
  EXPECT_THAT(claim(2), ElementsAre());
}

TEST_F(Claim, NeverSeesWhatWasRolledBack) {
  connection.query("begin");
  emit(connection);
  connection.query("savepoint s");
  emit(connection);
  connection.query("rollback to s");
  emit(connection);
  connection.query("commit");
  connection.query("begin");
  emit(connection);
  connection.query("rollback");
  EXPECT_THAT(claim(), ElementsAre(1, 3));
  EXPECT_THAT(claim(), ElementsAre());
}

TEST_F(Claim, LosesAndDoublesNothingUnderRandomCommitOrder) {
  std::vector<pg::Connection> emitters;
  for (int i = 0; i < 6; ++i) emitters.push_back(database.connect());
  std::map<std::size_t, std::vector<std::int64_t>> open;
  std::map<std::int64_t, int> taken;
  std::size_t committed = 0;
  unsigned state = 42;
  auto random = [&](unsigned bound) {
    return (state = state * 1103515245U + 12345U) / 65536U % bound;
  };
  auto take = [&](int limit) {
    for (const auto id : claim(limit)) ++taken[id];
    close();
  };
  for (int step = 0; step < 600; ++step) {
    const std::size_t who = random(6);
    auto& emitter = emitters[who];
    if (open[who].empty()) emitter.query("begin");
    open[who].push_back(emit(emitter));
    if (random(4) == 0) {
      const bool commits = random(10) != 0;
      emitter.query(commits ? "commit" : "rollback");
      if (commits) committed += open[who].size();
      open[who].clear();
    }
    if (random(5) == 0) take(3);
  }
  for (std::size_t who = 0; who < 6; ++who) {
    if (open[who].empty()) continue;
    emitters[who].query("commit");
    committed += open[who].size();
  }
  for (std::size_t before = 0; before != taken.size() || before == 0;) {
    before = taken.size();
    for (int i = 0; i < 5; ++i) take(50);
    if (taken.size() == before) break;
  }
  EXPECT_EQ(taken.size(), committed);
  for (const auto& [id, times] : taken) EXPECT_EQ(times, 1) << "event " << id;
  EXPECT_EQ(rows(connection, "select emitted, done, unaccounted from evd.audit()"),
            std::to_string(committed) + "|" + std::to_string(committed) + "|0");
}

TEST_F(Claim, KeepsItsFloorBelowEveryEventNotYetTaken) {
  connection.query(
      "update evd.event_window set at = at - interval '3 days', floor = floor - interval '3 days'");
  auto late = database.connect();
  late.query("begin");
  emit(late);
  // A day is taken off each window's clock, so let the windows seem to be a day older than they
  // are.
  for (int i = 0; i < 300; ++i) {
    emit(connection);
    claim();
    close();
    connection.query("update evd.event_window set at = at + interval '25 hours' where id = $1",
                     pg::params(last));
  }
  late.query("commit");
  EXPECT_THAT(claim(), ElementsAre(1));
  EXPECT_THAT(claim(), ElementsAre());
  // Past it, the floor moves on, once the transactions of other databases have ended too.
  connection.query("update evd.event_window set at = at - interval '25 hours' where id > 0");
  EXPECT_TRUE(eventually([&] {
    emit(connection);
    claim();
    close();
    return number(connection, "select floor_id from evd.event_window order by id desc limit 1") > 0;
  }));
}

TEST_F(Claim, RefusesATransactionThatCouldTakeAWindowTwice) {
  connection.query("begin isolation level repeatable read");
  EXPECT_THAT(failure(connection, "select evd.claim(1, 7, 10)"), HasSubstr("read committed"));
  connection.query("rollback");
  connection.query("begin");
  emit(connection);
  EXPECT_THAT(failure(connection, "select evd.claim(1, 7, 10)"), HasSubstr("read committed"));
  connection.query("rollback");
}

// Under its lock a claim looks for the newest window anew: without, it would be refused by the key.
TEST_F(Claim, WaitsForAnotherOneAndGoesOnFromThere) {
  for (int i = 0; i < 3; ++i) emit(connection);
  auto other = database.connect();
  connection.query("begin");
  const std::string claim = "select events from evd.claim($1, 1, 2)";
  EXPECT_EQ(number(connection, claim, pg::params(node)), 2);
  const int waiting = other.backend_pid();
  auto second =
      std::async(std::launch::async, [&] { return number(other, claim, pg::params(node)); });
  auto looking = database.connect();
  ASSERT_TRUE(eventually([&] {
    return number(looking, "select count(*) from pg_locks where pid = $1 and not granted",
                  pg::params(waiting)) == 1;
  }));
  connection.query("commit");
  EXPECT_EQ(second.get(), 1) << "of three, the first took two";
}

TEST_F(Claim, RefusesAFencedNode) {
  emit(connection);
  connection.query("select evd.fence_node(id, heartbeat_at) from evd.node");
  EXPECT_THAT(failure(connection, "select evd.claim(1, 7, 10)"), HasSubstr("VE020"));
  EXPECT_EQ(value(connection, "select evd.heartbeat(1)"), "f");
  EXPECT_THAT(failure(connection, "select evd.take_part(1, 7, '{lottery}')"), HasSubstr("VE020"));
  EXPECT_THAT(failure(connection, "select evd.take_deliveries(1, '{lottery}', '{1}', false, '0')"),
              HasSubstr("VE020"));
}

TEST_F(Claim, KnowsTheOldestUnreadEvent) {
  EXPECT_EQ(value(connection, "select evd.unread_since()"), "");
  auto late = database.connect();
  late.query("begin");
  emit(late);
  emit(connection);
  claim();
  EXPECT_EQ(value(connection, "select evd.unread_since()"), "");
  late.query("commit");
  EXPECT_EQ(value(connection, "select evd.unread_since() = created_at from evd.event where id = 1"),
            "t");
  EXPECT_EQ(rows(connection, "select id from evd.unread()"), "1");
  emit(connection);
  emit(connection);
  EXPECT_EQ(rows(connection, "select id from evd.unread() order by 1"), "1\n3\n4");
  claim(2);
  EXPECT_EQ(rows(connection, "select id from evd.unread() order by 1"), "3\n4");
}

TEST_F(Claim, KnowsTheFirstOpenWindow) {
  for (int i = 0; i < 3; ++i) {
    emit(connection);
    claim();
    if (i == 0) close();
  }
  EXPECT_EQ(number(connection, "select low_id from evd.event_window order by id desc limit 1"), 2);
  EXPECT_EQ(rows(connection, "select id from evd.event_window where closed_at is null order by id"),
            "2\n3");
}

}  // namespace
}  // namespace evd::test
