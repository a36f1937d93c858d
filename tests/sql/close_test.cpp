// How a window ends: closed, spilled, put off, or taken over.
#include <gmock/gmock.h>

#include <future>

#include "tests/sql/log_fixture.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

class Close : public LogFixture {
 protected:
  // A batch of the sql handler: "ran|is_done", "" when the share is not the node's.
  std::string batch(pg::Connection& by, int limit, std::int64_t token = 7) {
    return rows(by,
                "select ran, is_done from evd.run_sql_batch($1, 'sqlCoupon', $2, $3,"
                " 'insert into public.seen select ($1 ->> ''id'')::bigint', null, $4)",
                pg::params(window, node, token, limit));
  }

  std::string parts() {
    return rows(connection,
                "select window_id, handler, state, upto_id from evd.window_part order by 2");
  }

  // An sql handler's statement that goes on when the test lets it.
  static constexpr const char* k_held =
      "insert into public.seen select ($1 ->> 'id')::bigint from pg_advisory_xact_lock_shared(77)";

  // The node dies while a session runs such a statement, and is taken over by one that may not end
  // it. How much was freed; the statement has committed then.
  std::int64_t taken_over_amid(const std::string& call, const pg::Params& params) {
    connection.query("select pg_advisory_lock(77)");
    auto running = std::async(std::launch::async, [&] {
      auto session = database.connect();
      session.query(call, params);
    });
    EXPECT_TRUE(eventually([&] {
      return number(connection,
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and wait_event = 'advisory'") == 1;
    }));
    kill_node();
    auto worker = database.connect({{"role", "evd_worker"}});
    const std::int64_t freed = number(worker, "select evd.take_over(100)");
    connection.query("select pg_advisory_unlock(77)");
    running.get();
    return freed;
  }

  void SetUp() override { connection.query("create table public.seen (id bigint)"); }
};

TEST_F(Close, LeavesNoRowOfWhatSucceeded) {
  emit();
  emit();
  run_window();
  EXPECT_EQ(status(1), "2|processed|{sqlCoupon,lottery}|{}");
  EXPECT_EQ(number(connection, "select count(*) from evd.delivery"), 0);
  EXPECT_EQ(audit(), "4|4|0|0|0|0");
}

TEST_F(Close, GivesARowToEachPairThatIsNotDone) {
  for (int i = 0; i < 4; ++i) emit();
  run_window("(1,lottery,queued),(2,lottery,running),(3,lottery,retry),(4,lottery,failed)");
  EXPECT_EQ(delivery(1), "waiting|0|0");
  EXPECT_EQ(delivery(2), "running|1|1");
  EXPECT_EQ(delivery(3), "waiting|1|1");
  EXPECT_EQ(delivery(4), "escalated|1|1");
  EXPECT_EQ(alerts(), "escalated|4|lottery");
  EXPECT_EQ(status(1), "0|emitted|{sqlCoupon}|{}");
  EXPECT_EQ(status(4), "3|escalated|{sqlCoupon}|{}");
  EXPECT_EQ(audit(), "8|4|0|3|1|0");
}

TEST_F(Close, CountsForNothingAfterATakeover) {
  emit();
  claim();
  EXPECT_EQ(close("", "{}", 8), "gone");
  kill_node();
  EXPECT_EQ(take_over(), 1);
  EXPECT_EQ(close(), "gone");
  EXPECT_EQ(delivery(1), "waiting|1|1");
}

TEST_F(Close, IsBusyWhileASqlBatchRuns) {
  emit();
  claim();
  auto other = database.connect();
  other.query("begin");
  EXPECT_EQ(batch(other, 10), "1|t");
  EXPECT_EQ(close(), "busy");
  other.query("commit");
  EXPECT_EQ(close(), "closed");
  EXPECT_EQ(parts(), "");
}

TEST_F(Close, ATakeoverEndsTheSessionThatADeadNodeLeftAmidABatch) {
  emit();
  claim();
  auto stuck = database.connect();
  stuck.query("begin");
  EXPECT_EQ(batch(stuck, 10), "1|t");
  kill_node();
  EXPECT_EQ(take_over(), 1);
  EXPECT_THROW(stuck.query("commit"), pg::Error);
  EXPECT_EQ(number(connection, "select count(*) from public.seen"), 0);
}

TEST_F(Close, ATakeoverEndsTheSessionThatADeadNodeLeftAmidTakingDeliveries) {
  emit();
  run_window("(1,lottery,queued),(1,sqlCoupon,queued)");
  auto stuck = database.connect();
  const std::string take =
      "select run from evd.take_deliveries($1, '{lottery,sqlCoupon}', '{9,9}', false, '0')";
  stuck.query("begin");
  EXPECT_EQ(rows(stuck, take, pg::params(node)), "1\n1");
  kill_node();
  take_over();
  EXPECT_THROW(stuck.query("commit"), pg::Error);
  EXPECT_EQ(delivery(1), "waiting|0|0");
}

TEST_F(Close, ATakeoverEndsTheSessionThatADeadNodeLeftAmidAnSqlDelivery) {
  emit();
  run_window("(1,sqlCoupon,queued)");
  connection.query("select from evd.take_deliveries($1, '{sqlCoupon}', '{9}', false, '0')",
                   pg::params(node));
  auto stuck = database.connect();
  stuck.query("begin");
  stuck.query(
      "select evd.run_sql_delivery(1, 'sqlCoupon', 1, $1,"
      " 'insert into public.seen select ($1 ->> ''id'')::bigint')",
      pg::params(node));
  kill_node();
  EXPECT_EQ(take_over(), 1);
  EXPECT_THROW(stuck.query("commit"), pg::Error);
  EXPECT_EQ(number(connection, "select count(*) from public.seen"), 0);
}

TEST_F(Close, ATakeoverEndsNoSessionOfALivingNode) {
  emit();
  claim();
  auto other = database.connect();
  other.query("begin");
  EXPECT_EQ(batch(other, 10), "1|t");
  EXPECT_EQ(take_over(), 0);
  other.query("commit");
  EXPECT_EQ(close(), "closed");
}

TEST_F(Close, ATakeoverGoesOnWithoutWhatItMayNotEnd) {
  emit();
  claim();
  auto stuck = database.connect();
  stuck.query("begin");
  EXPECT_EQ(batch(stuck, 10), "1|t");
  kill_node();
  auto worker = database.connect({{"role", "evd_worker"}});
  EXPECT_EQ(number(worker, "select evd.take_over(100)"), 0);
  stuck.query("commit");
  EXPECT_EQ(number(worker, "select evd.take_over(100)"), 1);
}

// What was begun for the dead node still commits: nobody else may begin it meanwhile.
TEST_F(Close, ATakeoverFreesNoPartAmidABatch) {
  emit();
  run_window("", "{sqlCoupon}");
  connection.query("select evd.take_part($1, 7, '{sqlCoupon}')", pg::params(node));
  EXPECT_EQ(
      taken_over_amid("select ran from evd.run_sql_batch($1, 'sqlCoupon', $2, 7, $3, null, 9)",
                      pg::params(window, node, k_held)),
      0);
  EXPECT_EQ(take_over(), 0);
  EXPECT_EQ(parts(), "");
  EXPECT_EQ(rows(connection, "select id from public.seen"), "1");
}

TEST_F(Close, ATakeoverFreesNoDeliveryAmidItsSqlHandler) {
  emit();
  run_window("(1,sqlCoupon,queued)");
  EXPECT_EQ(take("sqlCoupon"), "1|1|1|f");
  EXPECT_EQ(taken_over_amid("select evd.run_sql_delivery($1, 'sqlCoupon', 1, $2, $3)",
                            pg::params(1, node, k_held)),
            0);
  EXPECT_EQ(take_over(), 0);
  EXPECT_EQ(delivery(1, "sqlCoupon"), "");
  EXPECT_EQ(rows(connection, "select id from public.seen"), "1");
}

TEST_F(Close, ATakeoverFreesTheRestWhereOneWindowCannotBeAndTells) {
  emit();
  claim();
  const std::int64_t broken = window;
  emit();
  claim();
  // What is wrong with a row that a future bug left behind cannot be foreseen: here its part is
  // refused.
  connection.query(
      "create function public.refuse() returns trigger language plpgsql as $$"
      " begin if new.window_id = " +
      std::to_string(broken) + " then raise 'broken row'; end if; return new; end $$");
  connection.query(
      "create trigger refuse before insert on evd.window_part for each row"
      " execute function public.refuse()");
  kill_node();
  EXPECT_EQ(take_over(), 1);
  EXPECT_EQ(take_over(), 0);
  EXPECT_EQ(rows(connection, "select id from evd.event_window where closed_at is null"),
            std::to_string(broken));
  EXPECT_EQ(rows(connection,
                 "select distinct error like '%broken row%' from evd.alert"
                 " where kind = 'recovery_stalled'"),
            "t");
  connection.query("drop trigger refuse on evd.window_part");
  EXPECT_EQ(take_over(), 1);
}

TEST_F(Close, ANodesDeathIsTold) {
  kill_node();
  EXPECT_EQ(rows(connection, "select kind, error like 'evd on one (node 1)%' from evd.alert"),
            "node_lost|t");
  kill_node();
  EXPECT_EQ(number(connection, "select count(*) from evd.alert"), 1);
}

TEST_F(Close, KeepsASqlHandlersProgressInTheOpenWindow) {
  for (int i = 0; i < 3; ++i) emit();
  claim();
  EXPECT_EQ(batch(connection, 2), "2|f");
  EXPECT_EQ(status(1), "0|emitted|{sqlCoupon}|{}");
  EXPECT_EQ(status(3), "0|emitted|{}|{}");
  EXPECT_EQ(close(), "closed");
  EXPECT_EQ(parts(), "1|sqlCoupon|deferred|2");
  EXPECT_EQ(status(3), "0|emitted|{lottery}|{}");
  EXPECT_EQ(audit(), "6|5|0|1|0|0");
}

TEST_F(Close, APartCoversThePairsOfItsHandler) {
  emit();
  claim();
  connection.query("begin");
  EXPECT_EQ(batch(connection, 10), "1|t");
  connection.query("commit");
  EXPECT_EQ(close("(1,sqlCoupon,queued)"), "closed");
  EXPECT_EQ(delivery(1, "sqlCoupon"), "") << "it would run a second time";
}

TEST_F(Close, LeavesTheRowThatAPairHasAlready) {
  emit();
  emit();
  claim();
  connection.query("select evd.fail_sql_event($1, 'sqlCoupon', $2, 7, 'boom', false, null)",
                   pg::params(window, node));
  EXPECT_EQ(close("(1,sqlCoupon,queued)"), "closed");
  EXPECT_EQ(delivery(1, "sqlCoupon"), "waiting|1|1");
}

TEST_F(Close, ContinuesADeferredPartToItsEnd) {
  for (int i = 0; i < 3; ++i) emit();
  run_window("", "{sqlCoupon}");
  EXPECT_EQ(parts(), "1|sqlCoupon|deferred|-1");
  EXPECT_EQ(batch(connection, 2), "");
  EXPECT_EQ(rows(connection, "select window_id from evd.take_part($1, 7, '{sqlCoupon}')",
                 pg::params(node)),
            "1");
  EXPECT_EQ(rows(connection, "select window_id from evd.take_part($1, 8, '{sqlCoupon}')",
                 pg::params(node)),
            "");
  EXPECT_EQ(batch(connection, 2, 8), "");
  EXPECT_EQ(batch(connection, 2), "2|f");
  EXPECT_EQ(status(2), "2|processed|{sqlCoupon,lottery}|{}");
  EXPECT_EQ(status(3), "0|emitted|{lottery}|{}");
  EXPECT_EQ(batch(connection, 2), "1|t");
  EXPECT_EQ(parts(), "");
  EXPECT_EQ(rows(connection, "select id from public.seen order by 1"), "1\n2\n3");
}

TEST_F(Close, RollsAnSqlBatchBackWithItsError) {
  emit();
  claim();
  EXPECT_THROW(
      connection.query("select evd.run_sql_batch($1, 'sqlCoupon', $2, 7, 'select 1/0', null, 10)",
                       pg::params(window, node)),
      pg::Error);
  EXPECT_EQ(parts(), "");
  EXPECT_EQ(
      value(connection, "select evd.fail_sql_event($1, 'sqlCoupon', $2, 7, 'boom', false, null)",
            pg::params(window, node)),
      "t");
  EXPECT_EQ(delivery(1, "sqlCoupon"), "waiting|1|1");
  EXPECT_EQ(close(), "closed");
  EXPECT_EQ(status(1), "0|emitted|{lottery}|{}");
  EXPECT_EQ(audit(), "2|1|0|1|0|0");
}

TEST_F(Close, EndsALeasedPartWhereItCame) {
  emit();
  emit();
  run_window("", "{lottery}");
  const auto end = [&](std::int64_t token) {
    return value(connection,
                 "select evd.close_part($1, 'lottery', $2, $3, e.xid, e.id, '{1}', '{retry}', "
                 "'{boom}', '{null}')"
                 " from evd.event e where e.id = 1",
                 pg::params(window, node, token));
  };
  connection.query("select evd.take_part($1, 7, '{lottery}')", pg::params(node));
  EXPECT_EQ(end(8), "f");
  EXPECT_EQ(end(7), "t");
  EXPECT_EQ(end(7), "f");
  EXPECT_EQ(delivery(1), "waiting|1|1");
  EXPECT_EQ(parts(), "1|lottery|deferred|1");
  EXPECT_EQ(audit(), "4|2|0|2|0|0");
}

TEST_F(Close, GivesWhatIsDueLaterARowThatWaits) {
  connection.query("select evd.emit('purchased', deliver_at => now() + interval '1 hour')");
  connection.query("select evd.emit('purchased', deliver_at => now() - interval '1 hour')");
  run_window();
  EXPECT_EQ(delivery(1), "waiting|0|0");
  EXPECT_EQ(delivery(2), "");
  EXPECT_EQ(value(connection,
                  "select bool_and(d.next_at = e.due_at) from evd.delivery d"
                  " join evd.event e on e.id = d.event_id"),
            "t");
  EXPECT_EQ(status(1), "0|emitted|{}|{}");
}

TEST_F(Close, CountsAnAttemptOfWhatADeadNodeMayHaveRun) {
  emit();
  emit();
  claim();
  EXPECT_EQ(batch(connection, 1), "1|f");
  kill_node();
  EXPECT_EQ(take_over(), 1);
  EXPECT_EQ(take_over(), 0);
  EXPECT_EQ(
      rows(connection,
           "select event_id, handler, state, run, attempts, suspect from evd.delivery order by 1"),
      "1|lottery|waiting|1|1|t\n2|lottery|waiting|1|1|t");
  EXPECT_EQ(parts(), "1|sqlCoupon|deferred|1");
}

TEST_F(Close, EscalatesAtATakeoverWhatHadOneAttemptOnly) {
  connection.query("update evd.handler set max_attempts = 1");
  emit();
  claim();
  kill_node();
  take_over();
  EXPECT_EQ(delivery(1), "escalated|1|1");
  EXPECT_EQ(alerts(), "node_lost||\nescalated|1|lottery");
  EXPECT_EQ(value(connection, "select last_error from evd.delivery"),
            "the process that ran it died, in its last attempt");
}

TEST_F(Close, FreesPartsAndRunningDeliveriesOfADeadNode) {
  emit();
  emit();
  run_window("(1,lottery,running)", "{sqlCoupon}");
  connection.query("select evd.take_part($1, 7, '{sqlCoupon}')", pg::params(node));
  kill_node();
  EXPECT_EQ(take_over(), 2);
  EXPECT_EQ(delivery(1), "waiting|1|1");
  EXPECT_EQ(value(connection, "select node_id from evd.window_part"), "");
  EXPECT_EQ(batch(connection, 2), "");
}

// A plan in which a part is looked for once for each that there is.
TEST_F(Close, LeasesOnePartHoweverThePlanLooksForIt) {
  emit();
  run_window("", "{lottery}");
  connection.query("analyze evd.window_part");  // the plan expects one, and may begin with either
  for (int i = 0; i < 4; ++i) {
    emit();
    run_window("", "{lottery}");
  }
  for (const char* method : {"hashjoin", "mergejoin", "material", "indexscan", "bitmapscan"})
    connection.query(std::string("set enable_") + method + " = off");
  EXPECT_EQ(
      rows(connection, "select window_id from evd.take_part($1, 7, '{lottery}')", pg::params(node)),
      "1");
  EXPECT_EQ(value(connection, "select count(*) from evd.window_part where node_id is not null"),
            "1");
}

}  // namespace
}  // namespace evd::test
