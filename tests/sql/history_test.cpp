// What evd.events reads to answer, beside a history and a backlog that are large for a test.
// Counted in pages, which a slow machine does not change.
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

class History : public LogFixture {
 protected:
  void emit_many(int count) {
    connection.query(
        "select evd.emit_many(jsonb_agg(jsonb_build_object('event_name', 'purchased',"
        " 'args', array[repeat('x', 200)]))) from generate_series(1, $1)",
        pg::params(count));
  }

  // As autovacuum and a recovery pass leave it.
  void settle() {
    connection.query("select evd.summarize_log()");
    connection.query("analyze evd.event");
  }

  void done(int count) {
    for (int i = 0; i < count; i += 1000) emit_many(1000);
    for (int i = 0; i < count; i += 1000) run_window();
  }

  // Pages that a query touches, by the server's own count: the least of several, since a session
  // that must read its catalogs again amid one (after others made databases beside it) counts those
  // too.
  std::int64_t pages(const std::string& sql) {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (int i = 0; i < 5; ++i) {
      const auto plan = nlohmann::json::parse(
          value(connection, "explain (analyze, buffers, format json) " + sql))[0]["Plan"];
      least = std::min(least, plan["Shared Hit Blocks"].get<std::int64_t>() +
                                  plan["Shared Read Blocks"].get<std::int64_t>());
    }
    return least;
  }

  std::int64_t pages_of_log() {
    return number(
        connection,
        "select (sum(pg_relation_size(relid)) / 8192)::bigint from pg_partition_tree('evd.event')"
        " where isleaf");
  }
};

TEST_F(History, IsNotReadToLookUpAnIdNorIsWhatIsUnread) {
  done(2000);
  emit_many(100'000);
  settle();
  const auto most = pages_of_log() / 5;
  EXPECT_GT(most, 500);
  for (const char* id : {"1000", "2001", "60000", "102000", "999999999"}) {
    EXPECT_LT(pages(std::string("select * from evd.events where id = ") + id), most) << id;
  }
  EXPECT_EQ(status(1000), "2|processed|{sqlCoupon,lottery}|{}");
  EXPECT_EQ(status(60000), "0|emitted|{}|{}");
}

TEST_F(History, IsNotReadToFindWhatIsEscalatedOrLate) {
  connection.query("update evd.route set deadline = '1 microsecond'");
  emit();
  run_window("(1,lottery,failed)");
  emit();
  run_window("(2,lottery,queued)");
  done(50'000);
  settle();
  const std::string escalated = "select * from evd.events where status = 3";
  const std::string late = "select * from evd.events where status = 1";
  EXPECT_EQ(rows(connection, "select id from (" + escalated + ") e"), "1");
  EXPECT_EQ(rows(connection, "select id from (" + late + ") e"), "2");
  const auto most = pages_of_log() / 5;
  EXPECT_GT(most, 300);
  EXPECT_LT(pages(escalated), most);
  EXPECT_LT(pages(late), most);
  EXPECT_LT(pages("select evd.show(2)"), most);

  emit_many(50'000);
  settle();
  EXPECT_LT(pages(escalated), most) << "beside a backlog";
}

TEST_F(History, IsReadFromItsEndForTheNewest) {
  done(50'000);
  settle();
  const std::string newest = "select * from evd.events order by xid desc, id desc limit 10";
  EXPECT_LT(pages(newest), pages_of_log() / 3);
  emit_many(10);
  EXPECT_LT(pages(newest), pages_of_log() / 3);
  EXPECT_EQ(value(connection, "select min(id) || '-' || max(id) from (" + newest + ") e"),
            "50001-50010");
}

// The planner takes it that a third of the log is behind a position. With a million events that is
// worth compiling, by its estimate, and each claim took 20 ms longer.
TEST(LogReaders, AreNeverCompiled) {
  EvdDatabase database;
  auto connection = database.connect();
  EXPECT_EQ(rows(connection,
                 "select proname from pg_proc where pronamespace = 'evd'::regnamespace"
                 " and proconfig @> '{enable_seqscan=off}'"
                 " and not proconfig @> '{jit=off,max_parallel_workers_per_gather=0}'"),
            "");
}

}  // namespace
}  // namespace evd::test
