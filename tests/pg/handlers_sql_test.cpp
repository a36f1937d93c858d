#include <gmock/gmock.h>

#include "common/handlers/factory.hpp"
#include "common/handlers/sql_handler.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/evd_schema.hpp"
#include "tests/support/losing_relay.hpp"
#include "tests/support/recording_sink.hpp"

namespace evd::handlers {
namespace {

using journal::OutcomeKind;
using journal::ShareResult;
using test::eventually;
using test::number;
using test::value;

class SqlHandlerTest : public testing::Test {
 protected:
  SqlHandlerTest() {
    connection_.run_script(R"sql(
      create table effect (event_id bigint);
      create function note(e jsonb) returns void language sql
        as $$ insert into effect values ((e ->> 'id')::bigint) $$;
      create sequence lock_tries;
      create sequence losses;
      -- Does what the event's first argument says, after its effect.
      create function obey(e jsonb) returns void language plpgsql as $$
      begin
        perform note(e);
        case e -> 'args' ->> 0
          when 'fail' then raise 'refused %', e ->> 'id';
          when 'never' then raise 'no such user' using errcode = 'VE010';
          when 'later' then raise 'not yet' using errcode = 'VE011', detail = '7200';
          when 'hang' then perform pg_sleep(600);
          when 'deadlock' then raise 'unlucky' using errcode = '40P01';
          when 'unlucky once' then
            if nextval('lock_tries') = 1 then raise 'unlucky' using errcode = '40001'; end if;
          when 'wait' then perform pg_advisory_xact_lock_shared(77);
          when 'lose' then
            perform nextval('losses');
            raise 'lost' using errcode = '08006';
          when 'ended' then
            if nextval('losses') < 6 then
              raise 'ended' using errcode = e -> 'args' ->> 1;
            end if;
          else null;
        end case;
      end $$;)sql");
    test::make_route(connection_, "purchased", {"sql_note"});
    node_ = number(connection_, "select evd.register_node('n', 'evd', '1', '{sql_note}')");
  }

  void make(const std::string& sql, Milliseconds timeout = std::chrono::seconds{60},
            int batch = 100) {
    pool_ = std::make_shared<pg::Pool>(
        pg::ConnectOptions{
            .url = url_, .application_name = "evd/test", .settings = {}, .on_notice = {}},
        2);
    HandlerConfig config;
    config.name = "sql_note";
    config.sql = sql;
    config.timeout = timeout;
    config.batch = batch;
    config.concurrency = 1;
    handler_ =
        std::make_unique<SqlHandler>(config, pool_, sink_, logger_, std::chrono::seconds{10});
  }

  void emit(int count, const std::string& what = "fine") {
    connection_.query(
        "select evd.emit('purchased', jsonb_build_array($1::text)) from generate_series(1, $2)",
        pg::params(what, count));
  }

  journal::ShareRef start_share() {
    const auto id = number(connection_, "select id from evd.claim($1, 9, 1000)", pg::params(node_));
    const journal::ShareRef share{
        .window_id = id, .handler = "sql_note", .node = node_, .token = 9};
    handler_->start_share(share);
    return share;
  }

  ShareResult run_share() {
    start_share();
    EXPECT_TRUE(sink_.wait_for_ends(1));
    return sink_.ends().empty() ? ShareResult::k_lost : sink_.ends().front().result;
  }

  // Makes the only event a running delivery and starts it.
  void start_delivery() {
    connection_.query(
        "insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, "
        "state, "
        "run, attempts, max_attempts, deadline_at, node_id) select id, 'sql_note', xid, "
        "created_at, "
        "route_id, 'running', 1, 1, 10, now(), $1 from evd.event",
        pg::params(node_));
    Attempt attempt;
    attempt.event = std::make_shared<const journal::Event>(
        journal::Event{.id = number(connection_, "select id from evd.event"),
                       .args = {},
                       .key = {},
                       .headers = {}});
    attempt.route = std::make_shared<const journal::Route>();
    handler_->start({.id = 3, .node = node_, .has_rows = true, .attempts = {attempt}});
  }

  journal::Outcome delivery_outcome() {
    EXPECT_TRUE(sink_.wait_for_results(1));
    return sink_.results().empty() ? journal::Outcome{} : sink_.results().front().outcome;
  }

  bool wait_until_blocked() {
    return eventually([&] {
      // Of this test's database: others wait for a lock of the same number beside it.
      return number(connection_,
                    "select count(*) from pg_locks l join pg_database d on d.oid = l.database"
                    " where d.datname = current_database() and not l.granted and l.objid = 77") > 0;
    });
  }

  std::string effects() {
    return value(connection_, "select count(*) || ' ' || count(distinct event_id) from effect");
  }
  std::string deliveries() {
    return test::rows(connection_,
                      "select state, attempts, last_error from evd.delivery order by event_id");
  }

  test::EvdDatabase database_;
  pg::Connection connection_ = database_.connect();
  journal::NodeId node_ = 0;
  std::string url_ = database_.url();
  test::RecordingSink sink_;
  logging::RecordingLogger logger_;
  std::shared_ptr<pg::Pool> pool_;
  std::unique_ptr<SqlHandler> handler_;
};

TEST_F(SqlHandlerTest, RunsAShareToItsEnd) {
  emit(500);
  make("select note($1)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "500 500");
}

TEST_F(SqlHandlerTest, RunsAStatementPerEvent) {
  emit(50);
  make("insert into effect values (($1 ->> 'id')::bigint)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "50 50");
}

TEST_F(SqlHandlerTest, RunsAStatementPerBatch) {
  emit(500);
  make("insert into effect select (e ->> 'id')::bigint from unnest($1::jsonb[]) e");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "500 500");
}

class IsolatingSqlHandlerTest : public SqlHandlerTest,
                                public testing::WithParamInterface<const char*> {};

TEST_P(IsolatingSqlHandlerTest, IsolatesTheEventThatFailsAndChargesNoOther) {
  emit(70);
  emit(1, "fail");
  emit(129);
  make(GetParam());
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "199 199");
  EXPECT_EQ(deliveries(), "waiting|1|refused 71 (SQLSTATE P0001)");
  EXPECT_EQ(sink_.ends().front().ran, 199);
}

INSTANTIATE_TEST_SUITE_P(OfEachForm, IsolatingSqlHandlerTest,
                         testing::Values("select obey($1)", "select obey($1), 1",
                                         "select obey(e) from unnest($1::jsonb[]) e"));

TEST_F(SqlHandlerTest, GetsThroughAShareInWhichEveryEventFails) {
  emit(30, "fail");
  make("select obey($1)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "0 0");
  EXPECT_EQ(number(connection_, "select count(*) from evd.delivery where attempts = 1"), 30);
}

TEST_F(SqlHandlerTest, FailsForGoodOrLaterAsTheSqlstateSays) {
  emit(1, "never");
  emit(1, "later");
  make("select obey($1)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(deliveries(),
            "escalated|1|no such user (SQLSTATE VE010)\nwaiting|1|not yet (SQLSTATE VE011)");
  EXPECT_EQ(number(connection_,
                   "select count(*) from evd.delivery where next_at > now() + interval '119 min'"),
            1);
}

TEST_F(SqlHandlerTest, EndsAStatementAtItsTimeout) {
  emit(3);
  emit(1, "hang");
  make("select obey($1)", Milliseconds{200});
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "3 3");
  EXPECT_EQ(deliveries(), "waiting|1|timed out after 200ms");
}

// The rest need not find out one by one: the breaker does.
TEST_F(SqlHandlerTest, GivesUpAShareOfWhichNothingEndsInTime) {
  emit(8, "hang");
  make("select obey($1)", Milliseconds{50});
  EXPECT_EQ(run_share(), ShareResult::k_more);
  ASSERT_EQ(sink_.ends().size(), 1U);
  EXPECT_EQ(sink_.ends().front().unreachable, "timed out after 50ms");
  EXPECT_EQ(number(connection_, "select count(*) from evd.delivery"), k_out_of_reach_after);
}

TEST_F(SqlHandlerTest, RunsBadLuckAgainWithoutCharging) {
  emit(20);
  emit(1, "unlucky once");
  make("select obey($1)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "21 21");
  EXPECT_EQ(deliveries(), "");
}

TEST_F(SqlHandlerTest, ChargesNoEventThatRanAloneForBadLuck) {
  emit(1, "unlucky once");
  make("select obey($1)", std::chrono::seconds{60}, 1);
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "1 1");
  EXPECT_EQ(deliveries(), "");
}

TEST_F(SqlHandlerTest, CallsEndlessBadLuckAFailure) {
  emit(1, "deadlock");
  emit(1);
  make("select obey($1)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "1 1");
  EXPECT_EQ(deliveries(), "waiting|1|unlucky (SQLSTATE 40P01)");
}

TEST_F(SqlHandlerTest, CommitsEffectAndCompletionTogetherWhenABackendDies) {
  emit(10);
  emit(1, "wait");
  emit(10);
  make("select obey($1)");
  connection_.query("select pg_advisory_lock(77)");
  start_share();
  ASSERT_TRUE(wait_until_blocked());
  const auto killed = connection_.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'evd/test'");
  EXPECT_GE(killed.rows(), 1);
  connection_.query("select pg_advisory_unlock(77)");
  ASSERT_TRUE(sink_.wait_for_ends(1));
  EXPECT_EQ(sink_.ends().front().result, ShareResult::k_done);
  EXPECT_EQ(effects(), "21 21");
  EXPECT_EQ(deliveries(), "");
}

// As one does whose function crashes its backend.
TEST_F(SqlHandlerTest, FindsTheEventThatTakesTheConnectionWithItAndChargesNoOther) {
  emit(20);
  emit(1, "lose");
  emit(79);
  make("select obey($1)");
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(effects(), "99 99");
  EXPECT_EQ(deliveries(), "waiting|1|the connection was lost while it ran");
  EXPECT_EQ(number(connection_, "select last_value from losses"), 4)
      << "once in a batch, then alone until it counts";
}

// More often than an event may take its connection with it.
TEST_F(SqlHandlerTest, GoesOnBehindWhatWasCommittedThoughNobodyHeardOfIt) {
  test::LosingRelay relay(
      value(connection_,
            "select trim('\"' from current_setting('unix_socket_directories')) || "
            "'/.s.PGSQL.' || current_setting('port')"));
  url_ = "host=" + relay.host().string() +
         " port=5432 user=" + value(connection_, "select current_user") +
         " dbname=" + value(connection_, "select current_database()");
  emit(12);
  relay.lose_answers_to("run_sql_batch", 8);
  make("select note($1)", std::chrono::seconds{60}, 1);
  EXPECT_EQ(run_share(), ShareResult::k_done);
  EXPECT_EQ(relay.left_to_lose(), 0);
  EXPECT_EQ(effects(), "12 12");
  EXPECT_EQ(deliveries(), "");
}

TEST_F(SqlHandlerTest, ChargesNobodyForASessionThatOthersEnded) {
  for (const char* sqlstate : {"57P01", "57P02", "25P03"}) {
    connection_.run_script("alter sequence losses restart; truncate effect");
    connection_.query("select evd.emit('purchased', jsonb_build_array('ended', $1::text))",
                      pg::params(std::string(sqlstate)));
    make("select obey($1)", std::chrono::seconds{60}, 1);
    const std::size_t before = sink_.ends().size();
    start_share();
    ASSERT_TRUE(sink_.wait_for_ends(before + 1));
    EXPECT_EQ(effects(), "1 1") << sqlstate;
    EXPECT_EQ(deliveries(), "") << sqlstate;
  }
}

// A session that stops amid a transaction holds its window: it must be gone when its node is.
TEST_F(SqlHandlerTest, LeavesNoSessionWaitingForLongerThanItsNodeLives) {
  Config config;
  config.database.url = database_.url();
  HandlerConfig handler;
  handler.name = "sql_note";
  handler.kind = HandlerKind::k_sql;
  handler.sql =
      "insert into effect select extract(epoch from "
      "current_setting('idle_in_transaction_session_timeout')::interval) from (select $1) e";
  config.handlers["sql_note"] = handler;
  for (const auto& [node_timeout, expected] : {std::pair{6, "1 1 3"}, std::pair{60, "2 2 10"}}) {
    config.recovery.node_timeout = std::chrono::seconds{node_timeout};
    emit(1);
    const auto handlers = make_handlers(config, "evd", sink_, logger_);
    const auto id = number(connection_, "select id from evd.claim($1, 9, 1000)", pg::params(node_));
    dynamic_cast<ShareHandler&>(*handlers.at("sql_note"))
        .start_share({.window_id = id, .handler = "sql_note", .node = node_, .token = 9});
    ASSERT_TRUE(sink_.wait_for_ends(static_cast<std::size_t>(id)));
    EXPECT_EQ(effects() + " " + value(connection_, "select max(event_id) from effect"), expected);
  }
}

TEST_F(SqlHandlerTest, EndsAShareAtOnceThatOnlyWaitsForItsTurn) {
  emit(1, "wait");
  make("select obey($1)");
  connection_.query("select pg_advisory_lock(77)");
  start_share();
  ASSERT_TRUE(wait_until_blocked());
  emit(3);
  const auto next = start_share();
  handler_->stop_share(next);
  ASSERT_EQ(sink_.ends().size(), 1U);
  EXPECT_EQ(sink_.ends().front().share.window_id, next.window_id);
  EXPECT_EQ(sink_.ends().front().result, ShareResult::k_more);
  connection_.query("select pg_advisory_unlock(77)");
  ASSERT_TRUE(sink_.wait_for_ends(2));
  EXPECT_EQ(sink_.ends().back().result, ShareResult::k_done);
}

TEST_F(SqlHandlerTest, EndsAShareBeforeItBeginsTheNext) {
  emit(1, "wait");
  emit(40);
  make("select obey($1)", std::chrono::seconds{60}, 10);
  connection_.query("select pg_advisory_lock(77)");
  const auto first = start_share();
  ASSERT_TRUE(wait_until_blocked());
  emit(2);
  start_share();
  connection_.query("select pg_advisory_unlock(77)");
  ASSERT_TRUE(sink_.wait_for_ends(2));
  EXPECT_EQ(sink_.ends().front().share.window_id, first.window_id);
  EXPECT_EQ(effects(), "43 43");
}

TEST_F(SqlHandlerTest, StopsAShareAfterTheBatchThatRuns) {
  emit(8);
  emit(1, "wait");
  emit(300);
  make("select obey($1)", std::chrono::seconds{60}, 9);
  connection_.query("select pg_advisory_lock(77)");
  const auto share = start_share();
  ASSERT_TRUE(wait_until_blocked());
  handler_->stop_share(share);
  connection_.query("select pg_advisory_unlock(77)");
  ASSERT_TRUE(sink_.wait_for_ends(1));
  EXPECT_EQ(sink_.ends().front().result, ShareResult::k_more);
  const std::int64_t ran = number(connection_, "select count(*) from effect");
  EXPECT_GE(ran, 9) << "the batch that ran is kept";
  EXPECT_LT(ran, 309);
}

TEST_F(SqlHandlerTest, EndsAShareThatIsNoLongerTheNodes) {
  emit(5);
  make("select note($1)");
  handler_->start_share({.window_id = 1, .handler = "sql_note", .node = node_, .token = 8});
  ASSERT_TRUE(sink_.wait_for_ends(1));
  EXPECT_EQ(sink_.ends().front().result, ShareResult::k_lost);
}

TEST_F(SqlHandlerTest, CancelsWhatRunsWhenItIsInterrupted) {
  emit(1, "hang");
  make("select obey($1)");
  start_share();
  ASSERT_TRUE(eventually([&] {
    return number(connection_,
                  "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0;
  }));
  handler_->interrupt();
  ASSERT_TRUE(sink_.wait_for_ends(1));
  EXPECT_EQ(sink_.ends().front().result, ShareResult::k_more);
  EXPECT_EQ(effects() + deliveries(), "0 0");
}

TEST_F(SqlHandlerTest, EndsWithAStatementRunning) {
  emit(1, "hang");
  make("select obey($1)");
  start_delivery();
  ASSERT_TRUE(eventually([&] {
    return number(connection_,
                  "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0;
  }));
  handler_.reset();
  ASSERT_EQ(sink_.results().size(), 1U);
  EXPECT_EQ(sink_.results().front().outcome.kind, OutcomeKind::k_handed_back);
}

TEST_F(SqlHandlerTest, RecordsADeliveryWithItsEffect) {
  emit(1);
  make("select note($1)");
  start_delivery();
  const auto outcome = delivery_outcome();
  EXPECT_EQ(outcome.kind, OutcomeKind::k_done);
  EXPECT_TRUE(outcome.is_recorded);
  EXPECT_EQ(effects() + deliveries(), "1 1");
}

TEST_F(SqlHandlerTest, ReportsADeliveryThatFailed) {
  emit(1, "later");
  make("select obey($1)");
  start_delivery();
  const auto outcome = delivery_outcome();
  EXPECT_EQ(outcome.kind, OutcomeKind::k_retry);
  EXPECT_FALSE(outcome.is_recorded);
  EXPECT_EQ(outcome.retry_after, std::chrono::hours{2});
  EXPECT_EQ(effects(), "0 0");
}

TEST_F(SqlHandlerTest, WaitsWhileTheDatabaseIsAwayUntilAskedToStop) {
  emit(1);
  make("select note($1)");
  connection_.query("select set_config('search_path', 'evd', false)");
  const std::string refuse = "alter database " + database_.name() + " with allow_connections ";
  pg::Connection server = pg::Connection::open(
      {.url = test::shared_server_url(), .application_name = {}, .settings = {}, .on_notice = {}});
  server.run_script(refuse + "false");
  const auto share = start_share();
  EXPECT_TRUE(eventually(
      [&] { return logger_.contains(logging::Level::k_warn, "waits for its database"); }));
  handler_->stop_share(share);
  ASSERT_TRUE(sink_.wait_for_ends(1));
  EXPECT_EQ(sink_.ends().front().result, ShareResult::k_more);
  server.run_script(refuse + "true");
  handler_->start_share(share);
  ASSERT_TRUE(sink_.wait_for_ends(2));
  EXPECT_EQ(sink_.ends().back().result, ShareResult::k_done);
}

}  // namespace
}  // namespace evd::handlers
