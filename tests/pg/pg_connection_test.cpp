#include <gtest/gtest.h>

#include <thread>

#include "common/pg/backoff.hpp"
#include "common/pg/pipeline.hpp"
#include "common/pg/transaction.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/wait.hpp"

namespace evd::pg {
namespace {

template <typename Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no pg::Error";
  return make_error("", "none");
}

class PgConnection : public ::testing::Test {
 protected:
  void terminate(const Connection& victim) {
    db_.connect().query("select pg_terminate_backend($1, 10000)", params(victim.backend_pid()));
  }

  std::string count() { return c_.query("select count(*) from t").string(0, 0); }

  test::TestDatabase db_;
  Connection c_ = db_.connect({{"search_path", "public"}, {"evd.who", "it's me"}});
};

TEST_F(PgConnection, AnErrorHasItsParts) {
  c_.run_script("create table t(a int primary key)");
  c_.query("insert into t values ($1)", params(1));
  const Error e = error_of([&] { c_.query("insert into t values (1)"); });
  EXPECT_EQ(e.sqlstate(), "23505");
  EXPECT_EQ(e.detail(), "Key (a)=(1) already exists.");
  EXPECT_NE(e.primary().find("duplicate key"), std::string::npos);
  EXPECT_FALSE(e.connection_lost());
  EXPECT_FALSE(e.transient());
  EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
  EXPECT_TRUE(c_.is_open());
}

TEST_F(PgConnection, TransientErrorsAreTold) {
  for (const std::string state : {"40001", "40P01", "55P03", "53300"}) {
    EXPECT_TRUE(make_error(state, "x").transient()) << state;
  }
  const Error e = error_of(
      [&] { c_.run_script("do $$ begin raise sqlstate '40001' using hint = 'h'; end $$"); });
  EXPECT_TRUE(e.transient());
  EXPECT_EQ(e.hint(), "h");
}

TEST_F(PgConnection, ATerminatedSessionIsAConnectionLost) {
  terminate(c_);
  const Error first = error_of([&] { c_.query("select 1"); });
  EXPECT_TRUE(first.connection_lost());
  EXPECT_FALSE(first.transient());
  const Error second = error_of([&] { c_.query("select 1"); });
  EXPECT_TRUE(second.connection_lost());
  EXPECT_FALSE(c_.is_open());
}

TEST_F(PgConnection, AListenerNoticesThatItsConnectionIsLost) {
  c_.query("listen x");
  terminate(c_);
  const Error e = error_of([&] { c_.wait_notification(std::chrono::seconds{20}); });
  EXPECT_TRUE(e.connection_lost());
}

TEST_F(PgConnection, NotificationsArrive) {
  c_.query("listen x");
  EXPECT_FALSE(c_.consume_notifications());
  db_.connect().query("notify x");
  EXPECT_TRUE(c_.wait_notification(std::chrono::seconds{20}));
  EXPECT_FALSE(c_.consume_notifications());
}

TEST_F(PgConnection, SettingsAreAppliedAndSurviveAReset) {
  EXPECT_EQ(c_.query("select current_setting('evd.who')").string(0, 0), "it's me");
  c_.run_script("begin; set search_path = pg_catalog; create temp table gone(); select 1");
  c_.run_script("commit; set evd.who = 'other'; select pg_advisory_lock(1); listen x; begin");
  c_.reset_session();
  EXPECT_FALSE(c_.in_transaction());
  EXPECT_EQ(c_.query("select current_setting('evd.who')").string(0, 0), "it's me");
  EXPECT_EQ(c_.query("show search_path").string(0, 0), "public");
  EXPECT_EQ(c_.query("select to_regclass('gone') is null and not exists(select from pg_locks where"
                     " locktype = 'advisory' and pid = pg_backend_pid())")
                .string(0, 0),
            "t");
}

TEST_F(PgConnection, ACancellerStopsAStatementFromAnotherThread) {
  const Canceller canceller = c_.canceller();
  std::jthread other([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      canceller.cancel();
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  });
  EXPECT_EQ(error_of([&] { c_.query("select pg_sleep(60)"); }).sqlstate(), "57014");
}

TEST_F(PgConnection, NoticesReachTheCallbackEvenAfterAMove) {
  std::string notice;
  Connection opened =
      Connection::open({.url = db_.url(),
                        .application_name = "n",
                        .connect_timeout = std::chrono::seconds{10},
                        .settings = {},
                        .on_notice = [&](const std::string& text) { notice = text; }});
  Connection moved = std::move(opened);
  moved.run_script("do $$ begin raise notice 'hello'; end $$");
  EXPECT_NE(notice.find("hello"), std::string::npos);
  EXPECT_EQ(moved.query("show application_name").string(0, 0), "n");
  EXPECT_EQ(moved.query("show client_encoding").string(0, 0), "UTF8");
}

TEST_F(PgConnection, CopyIsRefusedAndTheConnectionStaysUsable) {
  c_.run_script("create table t(a int)");
  EXPECT_EQ(error_of([&] { c_.query("copy t from stdin"); }).sqlstate(), "0A000");
  EXPECT_EQ(error_of([&] { c_.query("copy t to stdout"); }).sqlstate(), "0A000");
  EXPECT_EQ(count(), "0");
}

TEST_F(PgConnection, ATransactionRollsBackUnlessCommitted) {
  c_.run_script("create table t(a int); set default_transaction_isolation = 'serializable'");
  {
    Transaction transaction(c_);
    c_.query("insert into t values (1)");
    EXPECT_EQ(c_.query("show transaction_isolation").string(0, 0), "read committed");
  }
  EXPECT_FALSE(c_.in_transaction());
  EXPECT_EQ(count(), "0");
  Transaction transaction(c_);
  EXPECT_EQ(c_.query("insert into t values (1)").affected(), 1);
  transaction.commit();
  EXPECT_EQ(count(), "1");
}

TEST_F(PgConnection, CommittingAFailedTransactionIsAnError) {
  Transaction transaction(c_);
  error_of([&] { c_.query("select 1/0"); });
  EXPECT_EQ(error_of([&] { transaction.commit(); }).sqlstate(), "25P02");
  EXPECT_FALSE(c_.in_transaction());
}

TEST_F(PgConnection, ATransactionOnALostConnectionEndsQuietly) {
  Transaction transaction(c_);
  terminate(c_);
}

TEST_F(PgConnection, APipelineReturnsAllResultsInOrder) {
  Pipeline pipeline(c_);
  const std::string large(10'000, 'x');
  for (int i = 0; i < 500; ++i) pipeline.send("select $1, $2::text", params(i, large));
  const PipelineOutcome outcome = pipeline.sync();
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(outcome.results.size(), 500U);
  EXPECT_EQ(outcome.results[499].int32(0, 0), 499);
}

TEST_F(PgConnection, APipelineNamesTheFirstStatementThatFailed) {
  c_.run_script("create table t(a int primary key)");
  {
    Pipeline pipeline(c_);
    for (const int a : {1, 2, 1, 3}) pipeline.send("insert into t values ($1)", params(a));
    const PipelineOutcome outcome = pipeline.sync();
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.failed, 2U);
    EXPECT_EQ(outcome.error->sqlstate(), "23505");
    EXPECT_EQ(outcome.results.size(), 2U);
    pipeline.send("select 7");
    EXPECT_EQ(pipeline.sync().results.at(0).int32(0, 0), 7);
    pipeline.send("select 8");  // left to the destructor
  }
  EXPECT_EQ(count(), "0");
}

TEST_F(PgConnection, TransactionsOfAPipelineEndApart) {
  c_.run_script("create table t(a int primary key); insert into t values (2)");
  {
    Pipeline pipeline(c_);
    for (const int a : {1, 2, 3}) {
      pipeline.send("insert into t values ($1)", params(a));
      pipeline.end_transaction();
    }
    pipeline.send("insert into t values (4) returning a");
    const PipelineOutcome outcome = pipeline.sync();
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.failed, 1U);
    EXPECT_EQ(outcome.results.size(), 3U);
    pipeline.send("insert into t values (5)");
    pipeline.end_transaction();  // left to the destructor
  }
  EXPECT_EQ(c_.query("select string_agg(a::text, ' ' order by a) from t").string(0, 0),
            "1 2 3 4 5");
}

TEST_F(PgConnection, APipelineTellsWhereTheConnectionWasLost) {
  Pipeline pipeline(c_);
  pipeline.send("select 1");
  pipeline.send("select pg_terminate_backend(pg_backend_pid())");
  pipeline.send("select 3");
  const PipelineOutcome outcome = pipeline.sync();
  ASSERT_FALSE(outcome.ok());
  EXPECT_TRUE(outcome.error->connection_lost());
  EXPECT_EQ(outcome.failed, outcome.results.size());
}

TEST_F(PgConnection, ACopyInAPipelineDoesNotHang) {
  c_.run_script("create table t(a int)");
  Pipeline pipeline(c_);
  pipeline.send("copy t from stdin");
  EXPECT_FALSE(pipeline.sync().ok());
}

TEST(PgBackoff, DoublesUpToItsLimitAndStartsAgainAfterSuccess) {
  ReconnectBackoff backoff;
  std::vector<long> waits;
  for (int i = 0; i < 8; ++i) waits.push_back(backoff.next().count());
  EXPECT_EQ(waits, (std::vector<long>{100, 200, 400, 800, 1600, 3200, 5000, 5000}));
  backoff.reset();
  EXPECT_EQ(backoff.next().count(), 100);
}

}  // namespace
}  // namespace evd::pg
