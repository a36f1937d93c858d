// The parts of the sql handler that need no database.
#include <gtest/gtest.h>

#include "common/handlers/pace.hpp"
#include "common/handlers/sql_outcome.hpp"
#include "common/journal/sql_shares.hpp"

namespace evd::handlers {
namespace {

using std::chrono::milliseconds;

std::string function_of(const std::string& text) {
  return journal::parse_statement(text, Milliseconds{0}).function;
}

TEST(ParseStatement, RecognisesThePlainForm) {
  EXPECT_EQ(function_of("select give_coupon($1)"), "give_coupon");
  EXPECT_EQ(function_of("  SELECT shop.give_coupon ( $1 ) ;\n"), "shop.give_coupon");
  EXPECT_EQ(function_of("Select \"Shop\".\"give \"\"coupon\"\"\"($1)"),
            "\"Shop\".\"give \"\"coupon\"\"\"");
}

TEST(ParseStatement, LeavesEveryOtherFormAlone) {
  for (const char* text :
       {"select f($1, 2)", "select f($1), g($1)", "select f($1) from t",
        "insert into t values ($1)", "select f($1->'args')", "select f($1); select g($1)",
        "select f($10)", "select ($1)", "call f($1)", "select 1f($1)", "select f($1) -- why",
        "select a b($1)", ""}) {
    EXPECT_EQ(function_of(text), "") << text;
  }
}

TEST(ParseStatement, KeepsTheTextAndTheTimeout) {
  const auto statement = journal::parse_statement("select f($1)", Milliseconds{1500});
  EXPECT_EQ(statement.text, "select f($1)");
  EXPECT_EQ(statement.timeout, Milliseconds{1500});
}

TEST(Pace, GrowsToTheBatchWhileEventsAreQuick) {
  Pace pace(100);
  EXPECT_EQ(pace.limit(), Pace::k_first);
  for (int i = 0; i < 5; ++i) pace.passed(milliseconds{1});
  EXPECT_EQ(pace.limit(), 100);
}

TEST(Pace, TakesWhatFitsInto50Milliseconds) {
  Pace pace(1000, 100);
  pace.passed(milliseconds{1000});
  EXPECT_EQ(pace.limit(), 5);
  pace.passed(milliseconds{500});
  EXPECT_EQ(pace.limit(), 1);
}

TEST(Pace, NeverTakesMoreThanTheBatchOrLessThanOne) {
  Pace pace(3, 1000);
  EXPECT_EQ(pace.limit(), 3);
  pace.passed(std::chrono::seconds{60});
  EXPECT_EQ(pace.limit(), 1);
}

// Runs a share of 1000 events of which one fails, and returns how many batches that took.
int batches_around(int bad) {
  Pace pace(64, 64);
  int done = 0;
  int batches = 0;
  while (done < 1000) {
    const int end = std::min(done + pace.limit(), 1000);
    ++batches;
    if (done > bad || end <= bad) {
      done = end;
      pace.passed(milliseconds{1});
    } else if (pace.limit() > 1) {
      pace.failed();
    } else {
      EXPECT_EQ(done, bad) << "an innocent one ran alone and was blamed";
      ++done;
      pace.go_singly();
    }
  }
  return batches;
}

TEST(Pace, FindsTheOneThatFailsByHalving) {
  for (const int bad : {0, 1, 31, 62, 63, 64, 500, 999}) EXPECT_LE(batches_around(bad), 40) << bad;
}

TEST(Pace, RunsEachEventOfABatchAloneThatTookTheConnectionWithIt) {
  Pace pace(64, 64);
  pace.run_singly();
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(pace.limit(), 1) << i;
    if (i == 30) {
      pace.go_singly();  // the one that did it has failed
    } else {
      pace.passed(milliseconds{1});
    }
  }
  pace.passed(milliseconds{1});
  EXPECT_GT(pace.limit(), 1);
}

pg::Error error(const std::string& state, const std::string& message,
                const std::string& detail = {}) {
  return pg::Error({.sqlstate = state, .primary = message, .detail = detail, .hint = {}});
}

TEST(SqlOutcome, IsToldBySqlstate) {
  using journal::OutcomeKind;
  EXPECT_EQ(sql_outcome(error("VE010", "no such user"), Milliseconds{0}).kind,
            OutcomeKind::k_failed);
  const auto later = sql_outcome(error("VE011", "not yet", "2.5"), Milliseconds{0});
  EXPECT_EQ(later.kind, OutcomeKind::k_retry);
  EXPECT_EQ(later.retry_after, Milliseconds{2500});
  const auto plain = sql_outcome(error("P0001", "boom"), Milliseconds{0});
  EXPECT_EQ(plain.kind, OutcomeKind::k_retry);
  EXPECT_EQ(plain.error, "boom (SQLSTATE P0001)");
  EXPECT_FALSE(plain.retry_after);
}

TEST(SqlOutcome, IgnoresADetailThatIsNoTime) {
  for (const char* detail : {"soon", "", "3 seconds", "nan"}) {
    EXPECT_FALSE(sql_outcome(error("VE011", "not yet", detail), Milliseconds{0}).retry_after)
        << detail;
  }
  EXPECT_EQ(sql_outcome(error("VE011", "not yet", "-5"), Milliseconds{0}).retry_after,
            Milliseconds{0});
}

TEST(SqlOutcome, SaysThatItTimedOut) {
  EXPECT_EQ(sql_outcome(error("57014", "canceling statement"), std::chrono::seconds{10}).error,
            "timed out after 10s");
  EXPECT_TRUE(
      sql_outcome(error("57014", "canceling statement"), std::chrono::seconds{10}).is_transport);
  EXPECT_FALSE(
      sql_outcome(error("22012", "division by zero"), std::chrono::seconds{10}).is_transport);
}

}  // namespace
}  // namespace evd::handlers
