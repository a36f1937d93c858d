// The ledger: it balances, and says so when something is taken out of it behind its back.
#include <gmock/gmock.h>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

class Audit : public LogFixture {
 protected:
  std::string missing(bool full = false) {
    return rows(connection,
                "select event_id, handler, pairs, why from evd.audit_missing(p_full => $1)",
                pg::params(full));
  }
};

TEST_F(Audit, BalancesWithEveryStateAtOnce) {
  for (int i = 0; i < 6; ++i) emit();
  run_window(
      "(1,lottery,queued),(2,lottery,running),(3,lottery,retry),(4,lottery,failed),"
      "(5,lottery,failed)",
      "{sqlCoupon}");
  connection.query("select evd.resolve(5, 'lottery', 'x')");
  emit();
  claim();
  emit();
  EXPECT_EQ(audit(), "16|1|1|13|1|0");
  EXPECT_EQ(rows(connection, "select * from evd.audit(p_full => true)"), "8|16|1|1|13|1|0");
  EXPECT_EQ(missing(), "");
  EXPECT_EQ(missing(true), "");
}

TEST_F(Audit, CountsOnlyWhatWasWrittenSince) {
  emit();
  run_window("(1,lottery,failed)");
  const auto since = value(connection, "select clock_timestamp()::text");
  emit();
  run_window("(2,lottery,queued)");
  EXPECT_EQ(rows(connection, "select * from evd.audit($1::timestamptz)", pg::params(since)),
            "1|2|1|0|1|0|0");
}

TEST_F(Audit, FindsEventsWhoseWindowIsGone) {
  emit();
  run_window();
  emit();
  run_window();
  connection.query("delete from evd.event_window where id = 1");
  EXPECT_EQ(missing(), "1||2|taken, but in no window");
  EXPECT_EQ(missing(true), missing());
  EXPECT_EQ(audit(), "4|2|0|0|0|2");
}

TEST_F(Audit, FindsWhatAWindowThatIsGoneTookOfALateTransaction) {
  auto late = database.connect();
  late.query("begin");
  late.query("select evd.emit('purchased')");
  emit();
  run_window();
  late.query("commit");
  emit();
  run_window();  // of the late one
  run_window();
  emit();
  run_window();
  EXPECT_EQ(audit(), "8|8|0|0|0|0");
  connection.query("delete from evd.event_window where id = 2");
  EXPECT_EQ(missing(), "1||2|taken, but in no window");
  connection.query("delete from evd.event_window where id = 3");
  EXPECT_EQ(missing(), "1||2|taken, but in no window\n3||2|taken, but in no window");
  EXPECT_EQ(missing(true), missing());
}

TEST_F(Audit, FindsThatTheOldestWindowsAreGone) {
  emit();
  run_window();
  emit();
  run_window();
  connection.query("delete from evd.event_window where id <= 1");
  EXPECT_EQ(missing(), "1||2|taken, but in no window");
  EXPECT_EQ(missing(true), missing());
}

TEST_F(Audit, FindsWindowsAndRowsThatAreGoneTogether) {
  for (int i = 0; i < 3; ++i) {
    emit();
    run_window();
  }
  connection.query("delete from evd.event_window where id = 2");
  connection.query("delete from evd.event where id = 2");
  EXPECT_EQ(missing(), "||2|the totals of windows 1 and 3 do not follow from the log");
  EXPECT_EQ(audit(), "6|4|0|0|0|2");
}

TEST_F(Audit, FindsEventsThatAWindowPassedOver) {
  emit();
  emit();
  run_window();
  connection.query(
      "update evd.event_window set from_xid = to_xid, from_id = to_id - 1, events = 1 where id = "
      "1");
  EXPECT_EQ(missing(), "1||2|taken, but in no window");
}

TEST_F(Audit, FindsRowsThatAreGoneFromTheLog) {
  emit();
  emit();
  run_window("(1,lottery,queued)");
  connection.query("delete from evd.event where id = 1");
  EXPECT_EQ(missing(), "1|lottery|1|its event is not in the log");
  EXPECT_EQ(missing(true),
            "1|lottery|1|its event is not in the log\n||1|rows of window 1 are not in the log");
  EXPECT_EQ(value(connection,
                  "select emitted = done + resolved + outstanding + escalated + unaccounted"
                  " and unaccounted = 2 from evd.audit(p_full => true)"),
            "t");
}

TEST_F(Audit, FindsRowsThatAreGoneOfAWindowThatIsNotDone) {
  emit();
  emit();
  run_window("", "{lottery}");
  emit();
  claim();
  connection.query("delete from evd.event where id in (1, 3)");
  EXPECT_EQ(missing(),
            "||1|rows of window 1 are not in the log\n||1|rows of window 2 are not in the log");
}

TEST_F(Audit, FindsAFailedPairWhoseRowIsGone) {
  emit();
  run_window("(1,lottery,failed)");
  connection.query("delete from evd.delivery");
  EXPECT_EQ(missing(), "1|lottery|1|it had trouble, and its delivery is gone");
  EXPECT_EQ(audit(), "2|1|0|0|0|1");
}

TEST_F(Audit, FindsAReEmittedPairWhoseRowIsGone) {
  emit();
  run_window();
  connection.query("select evd.re_emit(1, 'lottery', p_all => true)");
  connection.query("delete from evd.delivery");
  EXPECT_EQ(missing(), "1|lottery|1|it had trouble, and its delivery is gone");
}

TEST_F(Audit, FindsAPairDueLaterThatNothingWaitsFor) {
  connection.query("select evd.emit('purchased', deliver_at => now() + interval '1 hour')");
  run_window();
  EXPECT_EQ(missing(true), "");
  connection.query("delete from evd.delivery where handler = 'lottery'");
  EXPECT_EQ(missing(true), "1|lottery|1|due later, and nothing waits for it");
}

TEST_F(Audit, DoesNotMistakeASlowPairsReEmitForALoss) {
  emit();
  run_window("(1,lottery,queued)");
  connection.query("select evd.re_emit(1)");
  take();
  finish(1, 2, "done");
  EXPECT_EQ(delivery(1), "done|2|1");
  EXPECT_EQ(missing(), "");
  EXPECT_EQ(missing(true), "");
}

TEST_F(Audit, DoesNotMistakeRetentionForALoss) {
  emit();
  run_window();
  connection.query("update evd.meta set dropped_before = now() - interval '8 days'");
  connection.query(
      "update evd.event_window set floor = floor - interval '9 days',"
      " opened_at = opened_at - interval '8 days' where id = 1");
  connection.query("delete from evd.event where id = 1");
  EXPECT_EQ(missing(), "");
  EXPECT_EQ(missing(true), "");
}

TEST_F(Audit, CountsWhatWasTakenBeforeTotalsOfPairsWereKept) {
  emit();
  run_window();
  connection.query("update evd.event_window set pairs = null, total_pairs = null where id = 1");
  EXPECT_EQ(audit(), "2|2|0|0|0|0");
  emit();
  run_window();
  EXPECT_EQ(rows(connection, "select pairs, total_pairs from evd.event_window where id = 2"),
            "2|4");
  EXPECT_EQ(audit(), "4|4|0|0|0|0");
  EXPECT_EQ(missing(), "");
}

class Status : public LogFixture {};

TEST_F(Status, IsTimeoutByTheClockWhereverThePairIs) {
  connection.query("update evd.route set deadline = '1 microsecond'");
  emit();
  EXPECT_EQ(status(1), "1|timeout|{}|{}");
  claim();
  EXPECT_EQ(status(1), "1|timeout|{}|{}");
  close("", "{lottery}");
  EXPECT_EQ(status(1), "1|timeout|{sqlCoupon}|{}");
}

TEST_F(Status, IsEscalatedBeforeTimeout) {
  connection.query("update evd.route set deadline = '1 microsecond'");
  emit();
  run_window("(1,lottery,failed),(1,sqlCoupon,queued)");
  EXPECT_EQ(status(1), "3|escalated|{}|{}");
}

TEST_F(Status, CountsTheDeadlineFromWhenItIsDue) {
  connection.query("update evd.route set deadline = '1 microsecond'");
  connection.query("select evd.emit('purchased', deliver_at => now() + interval '1 hour')");
  EXPECT_EQ(status(1), "0|emitted|{}|{}");
}

TEST_F(Status, KeepsTheOrderOfExpectedAndTheRouteItWasWrittenWith) {
  emit();
  run_window();
  make_route(connection, "purchased", {"lottery"});
  EXPECT_EQ(status(1), "2|processed|{sqlCoupon,lottery}|{}");
  emit();
  EXPECT_EQ(value(connection, "select expected from evd.events where id = 2"), "{lottery}");
}

TEST_F(Status, IsProcessedWhereNothingIsExpected) {
  make_route(connection, "noted", {});
  connection.query("select evd.emit('noted')");
  run_window();
  EXPECT_EQ(status(1), "2|processed|{}|{}");
}

TEST_F(Status, IsKnownOfEverythingUnresolvedWithoutReadingTheLog) {
  for (int i = 0; i < 5; ++i) emit();
  run_window("(1,lottery,failed),(2,lottery,queued)");
  connection.query("select evd.resolve(1, 'lottery', 'x')");
  emit();
  run_window("(6,lottery,failed)", "{sqlCoupon}");
  emit();
  claim();
  emit();
  connection.query("update evd.event set created_at = created_at - interval '1 hour' where id = 8");
  const std::string differing =
      "(select event_id, status from evd.unresolved() except select id, status from evd.events"
      " where status <> 2) union all (select id, status from evd.events where status <> 2"
      " except select event_id, status from evd.unresolved())";
  EXPECT_EQ(rows(connection, differing), "");
  EXPECT_EQ(rows(connection, "select event_id from evd.unresolved('{3}')"), "6");
  EXPECT_EQ(rows(connection, "select event_id from evd.unresolved('{0}')"), "7\n2");
  EXPECT_EQ(rows(connection, "select event_id from evd.unresolved('{1}')"), "8");
}

}  // namespace
}  // namespace evd::test
