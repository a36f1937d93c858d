// Pairs with rows of their own: retries, escalation, and runs that count no more.
#include <gmock/gmock.h>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

class DeliveryRows : public LogFixture {};

TEST_F(DeliveryRows, AreRetriedUntilEscalatedWithAnAlertInTheSameTransaction) {
  connection.query("update evd.handler set max_attempts = 3, alert_after = 2");
  emit();
  run_window("(1,lottery,retry)");
  EXPECT_EQ(value(connection, "select next_at > now() + interval '5 s' from evd.delivery"), "t");
  EXPECT_EQ(take(), "1|2|2|f");
  EXPECT_EQ(finish(1, 2, "retry"), 1);
  EXPECT_EQ(alerts(), "failing|1|lottery");
  EXPECT_EQ(take(), "1|3|3|f");
  connection.query("begin");
  EXPECT_EQ(finish(1, 3, "retry"), 1);
  EXPECT_EQ(delivery(1), "escalated|3|3");
  connection.query("rollback");
  EXPECT_EQ(alerts(), "failing|1|lottery");
  EXPECT_EQ(finish(1, 3, "retry"), 1);
  EXPECT_EQ(alerts(), "failing|1|lottery\nescalated|1|lottery");
  EXPECT_EQ(take(), "");
  EXPECT_EQ(rows(connection, "select run, error from evd.attempt order by run"),
            "1|boom\n2|boom\n3|boom");
  EXPECT_EQ(audit(), "2|1|0|0|1|0");
}

TEST_F(DeliveryRows, ThatFailedTogetherAreNotRetriedTogether) {
  connection.query("update evd.handler set backoff_base = '10 s', backoff_jitter = 0.2");
  EXPECT_EQ(rows(connection,
                 "select min(d) between '8 s' and '9 s', max(d) between '11 s' and '12 s',"
                 " count(distinct d) > 500 from (select evd.retry_delay('lottery', 1) as d"
                 "  from generate_series(1, 1000)) x"),
            "t|t|t");
}

TEST_F(DeliveryRows, GoWhenTheyWereOnlySlow) {
  emit();
  run_window("(1,lottery,running)");
  EXPECT_EQ(finish(1, 2, "done"), 0) << "another run";
  EXPECT_EQ(finish(1, 1, "done"), 1);
  EXPECT_EQ(delivery(1), "");
  EXPECT_EQ(status(1), "2|processed|{sqlCoupon,lottery}|{}");
}

TEST_F(DeliveryRows, StayAsHistoryAfterTrouble) {
  emit();
  run_window("(1,lottery,retry)");
  take();
  EXPECT_EQ(finish(1, 2, "done"), 1);
  EXPECT_EQ(delivery(1), "done|2|2");
  EXPECT_EQ(status(1), "2|processed|{sqlCoupon,lottery}|{}");
  EXPECT_EQ(audit(), "2|2|0|0|0|0");
}

TEST_F(DeliveryRows, TellOfTheRecoveryWhereTheyToldOfTrouble) {
  connection.query("update evd.handler set alert_after = 1");
  emit();
  run_window("(1,lottery,retry)");
  take();
  finish(1, 2, "done");
  EXPECT_EQ(alerts(), "failing|1|lottery\nrecovered|1|lottery");
}

TEST_F(DeliveryRows, IgnoreAStaleRun) {
  emit();
  run_window("(1,lottery,retry)");
  take();
  EXPECT_EQ(finish(1, 1, "done"), 0);
  EXPECT_EQ(finish(1, 3, "failed"), 0);
  EXPECT_EQ(delivery(1), "running|2|2");
  const auto before = node;
  node = add_node("two");
  EXPECT_EQ(finish(1, 2, "done"), 0);
  EXPECT_EQ(finish(1, 2, "handed_back"), 0);
  node = before;
  EXPECT_EQ(finish(1, 2, "retry"), 1);
  EXPECT_EQ(finish(1, 2, "done"), 0);
  EXPECT_EQ(delivery(1), "waiting|2|2");
}

TEST_F(DeliveryRows, AreGivenBackUncountedTwiceInARow) {
  emit();
  run_window("(1,lottery,queued)");
  EXPECT_EQ(take(), "1|1|1|f");
  EXPECT_EQ(finish(1, 1, "handed_back"), 1);
  EXPECT_EQ(delivery(1), "waiting|1|0");
  take();
  finish(1, 2, "handed_back");
  EXPECT_EQ(delivery(1), "waiting|2|0");
  take();
  finish(1, 3, "handed_back");
  EXPECT_EQ(delivery(1), "waiting|3|1");
  take();
  finish(1, 4, "handed_back");
  EXPECT_EQ(delivery(1), "waiting|4|1");
}

// Losing the news of a success repeats a run; losing an escalation would lose the alert with it.
TEST_F(DeliveryRows, OnlySuccessIsCommittedWithoutWaitingForTheDisk) {
  for (int i = 0; i < 4; ++i) emit();
  run_window("(1,lottery,queued),(2,lottery,queued),(3,lottery,queued),(4,lottery,queued)");
  take();
  const auto commits = [&](std::int64_t event, const std::string& outcome) {
    connection.query("begin");
    EXPECT_EQ(finish(event, 1, outcome), 1);
    const std::string setting = value(connection, "select current_setting('synchronous_commit')");
    connection.query("commit");
    return setting;
  };
  EXPECT_EQ(commits(1, "done"), "off");
  EXPECT_EQ(commits(2, "retry"), "on");
  EXPECT_EQ(commits(3, "failed"), "on");
  EXPECT_EQ(commits(4, "handed_back"), "on") << "a third time it counts";
}

TEST_F(DeliveryRows, EscalateAtOnceWhatFailedForGood) {
  emit();
  run_window("(1,lottery,queued)");
  take();
  EXPECT_EQ(finish(1, 1, "failed"), 1);
  EXPECT_EQ(delivery(1), "escalated|1|1");
}

TEST_F(DeliveryRows, AreLeftToCronWhereItAloneRetries) {
  connection.query("update evd.handler set retry = 'cron'");
  emit();
  emit();
  run_window("(1,lottery,retry),(2,lottery,queued)");
  EXPECT_EQ(take(), "2|1|1|f");
  EXPECT_EQ(take("lottery", true), "1|2|2|f");
}

TEST_F(DeliveryRows, AreNotTakenWhilePausedNorBeforeTheyAreDue) {
  emit();
  run_window("(1,lottery,retry)");
  EXPECT_EQ(number(connection,
                   "select count(*) from evd.take_deliveries($1, '{lottery}', '{10}', false, '0')",
                   pg::params(node)),
            0);
  connection.query("select evd.pause('lottery')");
  EXPECT_EQ(take(), "");
  connection.query("select evd.resume('lottery')");
  EXPECT_EQ(take(), "1|2|2|f");
}

// The index keeps an entry for each time that a delivery waited, as long as a snapshot is held.
TEST_F(DeliveryRows, AreTakenWithoutReadingAllThatEverWaited) {
  emit();
  run_window("(1,lottery,queued)");
  auto reader = database.connect();
  reader.query("begin isolation level repeatable read");
  reader.query("select count(*) from evd.delivery");
  connection.run_script(
      "do $$ begin for i in 1..3000 loop"
      " update evd.delivery set next_at = clock_timestamp() - interval '1 hour' + i * interval '1 "
      "s';"
      " end loop; end $$");
  connection.query("update evd.delivery set next_at = clock_timestamp()");
  connection.run_script("set enable_seqscan = off; set enable_bitmapscan = off");  // of one row
  // Of the table: the entries of the index lead to its rows, if only to find them dead.
  const auto fetched = [&] {
    return number(connection, "select pg_stat_get_xact_blocks_fetched('evd.delivery'::regclass)");
  };
  const auto blocks = [&](const std::string& since) {
    connection.query("begin");
    const std::int64_t before = fetched();
    const std::string statement =
        "select (evd.poll($1, '{lottery}', false, '0', array[" + since + "])).has_delivery";
    EXPECT_EQ(value(connection, statement, pg::params(node)), "t");
    const std::int64_t read = fetched() - before;
    connection.query("commit");
    return read;
  };
  EXPECT_GT(blocks("null::timestamptz"), 40);
  EXPECT_LT(blocks("clock_timestamp() - interval '10 s'"), 20);
}

TEST_F(DeliveryRows, ThatALongTransactionMadeDueAreFoundFromTheBeginning) {
  emit();
  run_window("(1,lottery,queued)");
  connection.query("update evd.delivery set next_at = clock_timestamp() - interval '1 minute'");
  const auto found = [&](const std::string& since) {
    return value(
        connection,
        "select has_delivery from evd.poll($1, '{lottery}', false, '0', array[" + since + "])",
        pg::params(node));
  };
  EXPECT_EQ(found("clock_timestamp() - interval '10 s'"), "f");
  EXPECT_EQ(found("null::timestamptz"), "t");
}

TEST_F(DeliveryRows, CommitWithTheEffectOfAnSqlHandler) {
  connection.query("create table public.seen (key text)");
  emit();
  run_window("(1,sqlCoupon,queued)");
  take("sqlCoupon");
  const auto run_by = [&](std::int64_t by, int number) {
    return value(connection,
                 "select evd.run_sql_delivery(1, 'sqlCoupon', $1, $2,"
                 " 'insert into public.seen select $1 ->> ''idempotency_key''')",
                 pg::params(number, by));
  };
  const auto run = [&](int number) { return run_by(node, number); };
  EXPECT_EQ(run(2), "f");
  EXPECT_EQ(run_by(add_node("two"), 1), "f");
  EXPECT_EQ(run(1), "t");
  EXPECT_EQ(run(1), "f");
  EXPECT_EQ(rows(connection, "select key from public.seen"), "test:1:sqlCoupon");
}

TEST_F(DeliveryRows, AreMarkedOverdueOnceAndToldOfWhereAsked) {
  connection.query("update evd.route set deadline = '1 microsecond', alert_timeout = true");
  emit();
  run_window("(1,lottery,queued)");
  EXPECT_EQ(status(1), "1|timeout|{sqlCoupon}|{}");
  EXPECT_EQ(number(connection, "select evd.mark_overdue(100)"), 1);
  EXPECT_EQ(number(connection, "select evd.mark_overdue(100)"), 0);
  EXPECT_EQ(alerts(), "timeout|1|lottery");
}

TEST_F(DeliveryRows, AreToldOfOnceWhenTheyStall) {
  emit();
  run_window("(1,lottery,queued)", "{sqlCoupon}");
  EXPECT_EQ(number(connection, "select evd.mark_stalled('1 hour', 100)"), 0);
  connection.query("select evd.pause('sqlCoupon')");
  EXPECT_EQ(number(connection, "select evd.mark_stalled('0', 100)"), 2);
  EXPECT_EQ(number(connection, "select evd.mark_stalled('0', 100)"), 0);
  EXPECT_EQ(rows(connection, "select kind, handler from evd.alert order by handler"),
            "stalled|lottery\nstalled|sqlCoupon");
}

}  // namespace
}  // namespace evd::test
