#include "common/journal/sql_shares.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/evd_schema.hpp"
#include "tests/support/wait.hpp"

namespace evd::journal {
namespace {

using test::eventually;
using test::number;
using test::value;

class SqlShares : public testing::Test {
 protected:
  SqlShares() {
    connection_.run_script(
        "create table effect (event_id bigint, backend integer default pg_backend_pid());"
        "create function note(e jsonb) returns void language sql as "
        "$$ insert into effect (event_id) values ((e ->> 'id')::bigint) $$;"
        "create table batch (at serial, events bigint[]);"
        "create function fail_on_bad(e jsonb) returns void language plpgsql as $$ begin "
        "insert into effect (event_id) values ((e ->> 'id')::bigint); "
        "if e -> 'args' ->> 0 = 'bad' then raise 'bad event' using detail = '7'; end if; end $$;"
        "create function slow(e jsonb) returns void language plpgsql as $$ begin "
        "insert into effect (event_id) values ((e ->> 'id')::bigint); "
        "perform pg_advisory_lock_shared(77); end $$;"
        "create function litter(e jsonb) returns void language plpgsql as $$ begin "
        "perform note(e), set_config('evd.left', 'x', false), pg_advisory_lock(78); "
        "perform set_config('statement_timeout', '1s', false), set_config('role', 'none', false); "
        "create temporary table scratch (i integer); "
        "execute 'prepare mine as select 1'; execute 'listen here'; "
        "execute 'declare held cursor with hold for select 1'; end $$;");
    test::make_route(connection_, "purchased", {"sql_note"});
    node_ = number(connection_, "select evd.register_node('n', 'evd', '1', '{sql_note}')");
  }

  void emit(int count, const std::string& args = "[]") {
    connection_.query("select evd.emit('purchased', $1::jsonb) from generate_series(1, $2)",
                      pg::params(args, count));
  }

  ShareRef claim() {
    const auto id = number(connection_, "select id from evd.claim($1, 9, 1000)", pg::params(node_));
    return {.window_id = id, .handler = "sql_note", .node = node_, .token = 9};
  }

  SqlStatement statement(const std::string& text, Milliseconds timeout = Milliseconds{0}) {
    return parse_statement(text, timeout);
  }

  std::int64_t effects() { return number(connection_, "select count(*) from effect"); }

  std::string sqlstate_of(const ShareRef& share, const SqlStatement& what, int limit) {
    try {
      run_batch(worker_, share, what, limit);
    } catch (const pg::Error& error) {
      return error.sqlstate();
    }
    return "none";
  }

  // What a statement leaves in the session, each time that it runs.
  static SqlStatement littering() { return parse_statement("select litter($1)", Milliseconds{0}); }
  std::int64_t prepared(const std::string& which) {
    return number(worker_, "select count(*) from pg_prepared_statements where " + which);
  }

  test::EvdDatabase database_;
  pg::Connection connection_ = database_.connect();
  pg::Connection worker_ = database_.connect();
  NodeId node_ = 0;
  const SqlStatement note_all_ = parse_statement(
      "insert into batch (events) select array_agg((e ->> 'id')::bigint) from unnest($1::jsonb[]) "
      "e",
      Milliseconds{0});
  const SqlStatement note_ = parse_statement("select note($1)", Milliseconds{0});
};

TEST_F(SqlShares, RunsAShareInBatchesUntilItIsDone) {
  emit(5);
  const ShareRef share = claim();
  auto batch = run_batch(worker_, share, statement("select note($1)"), 3);
  EXPECT_EQ(batch.ran, 3);
  EXPECT_EQ(batch.result, ShareResult::k_more);
  EXPECT_EQ(effects(), 3);
  batch = run_batch(worker_, share, statement("select note($1)"), 3);
  EXPECT_EQ(batch.ran, 2);
  EXPECT_EQ(batch.result, ShareResult::k_done);
  EXPECT_EQ(number(connection_, "select count(distinct event_id) from effect"), 5);
}

TEST_F(SqlShares, RunsAnyOtherStatementPerEvent) {
  emit(5);
  const auto batch = run_batch(
      worker_, claim(),
      statement("insert into effect (event_id) values (($1 ->> 'id')::bigint) returning 1"), 10);
  EXPECT_EQ(batch.ran, 5);
  EXPECT_EQ(effects(), 5);
}

TEST_F(SqlShares, RunsAStatementThatTakesABatchOnceForAllOfIt) {
  emit(5);
  const ShareRef share = claim();
  EXPECT_EQ(run_batch(worker_, share, note_all_, 3).ran, 3);
  const auto batch = run_batch(worker_, share, note_all_, 3);
  EXPECT_EQ(batch.ran, 2);
  EXPECT_EQ(batch.result, ShareResult::k_done);
  EXPECT_EQ(value(connection_, "select string_agg(events::text, ' ' order by at) from batch"),
            "{1,2,3} {4,5}");
}

TEST_F(SqlShares, RunsNoStatementForABatchOfWhichItsHandlerExpectsNothing) {
  test::make_route(connection_, "returned", {"other"});
  connection_.query("select evd.emit('returned')");
  const auto batch = run_batch(worker_, claim(), note_all_, 3);
  EXPECT_EQ(batch.ran, 0);
  EXPECT_EQ(batch.result, ShareResult::k_done);
  EXPECT_EQ(number(connection_, "select count(*) from batch"), 0);
}

// A subtransaction for each event would take an id each, and slow the whole server.
TEST_F(SqlShares, RunsABatchInOneTransactionWithoutSavepoints) {
  emit(5);
  const ShareRef share = claim();
  run_batch(worker_, share, note_, 3);
  run_batch(worker_, share,
            statement("insert into effect (event_id) values (($1 ->> 'id')::bigint)"), 3);
  EXPECT_EQ(value(connection_, "select count(*) || ' ' || count(distinct xmin::text) from effect"),
            "5 2");
}

TEST_F(SqlShares, RefusesAShareThatIsNotTheNodes) {
  emit(1);
  ShareRef share = claim();
  share.token = 10;
  EXPECT_EQ(run_batch(worker_, share, statement("select note($1)"), 10).result,
            ShareResult::k_lost);
  EXPECT_EQ(fail_next(worker_, share, note_,
                      {.kind = OutcomeKind::k_retry, .error = "x", .retry_after = {}}),
            ShareResult::k_lost);
  EXPECT_EQ(effects(), 0);
}

TEST_F(SqlShares, LeavesNothingOfABatchThatFailed) {
  emit(2);
  emit(1, R"(["bad"])");
  const ShareRef share = claim();
  EXPECT_EQ(sqlstate_of(share, statement("select fail_on_bad($1)"), 3), "P0001");
  EXPECT_EQ(effects(), 0);
  EXPECT_EQ(run_batch(worker_, share, statement("select fail_on_bad($1)"), 2).ran, 2)
      << "the connection is as good as before";
}

TEST_F(SqlShares, MakesADeliveryOfTheEventThatFailedAndGoesOn) {
  emit(1, R"(["bad"])");
  emit(1);
  const ShareRef share = claim();
  EXPECT_EQ(fail_next(worker_, share, note_,
                      {.kind = OutcomeKind::k_retry,
                       .error = "bad event",
                       .retry_after = std::chrono::hours{5}}),
            ShareResult::k_more);
  EXPECT_EQ(value(connection_,
                  "select state || ' ' || attempts || ' ' || last_error || ' ' || "
                  "(next_at > now() + interval '4 hours') from evd.delivery"),
            "waiting 1 bad event true");
  EXPECT_EQ(run_batch(worker_, share, statement("select fail_on_bad($1)"), 10).ran, 1);
}

// The connection broke at its commit, which had been done: the verdict is of an event that is past.
TEST_F(SqlShares, ChargesNoOtherEventWithTheFailureOfOneThatWasDone) {
  emit(2);
  const ShareRef share = claim();
  const auto before = share_position(worker_, share, note_);
  ASSERT_TRUE(before);
  run_batch(worker_, share, statement("select note($1)"), 1);
  EXPECT_NE(share_position(worker_, share, note_), before);
  const Outcome lost{.kind = OutcomeKind::k_retry, .error = "x", .retry_after = {}};
  EXPECT_EQ(fail_next(worker_, share, note_, lost, before), ShareResult::k_more);
  EXPECT_EQ(number(connection_, "select count(*) from evd.delivery"), 0);
  EXPECT_EQ(run_batch(worker_, share, statement("select note($1)"), 10).ran, 1);
  EXPECT_EQ(fail_next(worker_, share, note_, lost, before), ShareResult::k_done);
  EXPECT_EQ(number(connection_, "select count(*) from evd.delivery"), 0);
}

TEST_F(SqlShares, HasNoPositionOfAShareThatIsNotTheNodes) {
  emit(1);
  ShareRef share = claim();
  share.token = 10;
  EXPECT_EQ(share_position(worker_, share, note_), std::nullopt);
}

TEST_F(SqlShares, CancelsAStatementThatTakesTooLong) {
  emit(1);
  const ShareRef share = claim();
  EXPECT_EQ(sqlstate_of(share, statement("select pg_sleep(60), $1", Milliseconds{50}), 1), "57014");
}

TEST_F(SqlShares, IsReadCommittedWhateverTheDefault) {
  emit(1);
  connection_.query("create table level (name text)");
  worker_.run_script("set session characteristics as transaction isolation level serializable");
  run_batch(worker_, claim(),
            statement("insert into level select current_setting('transaction_isolation') "
                      "from (select $1) e"),
            1);
  EXPECT_EQ(value(connection_, "select name from level"), "read committed");
}

TEST_F(SqlShares, LeavesTheSessionClean) {
  emit(1);
  run_batch(
      worker_, claim(),
      statement("select set_config('evd.left', 'x', false), note($1)", std::chrono::seconds{3}), 1);
  EXPECT_EQ(value(worker_, "select current_setting('evd.left', true)"), "");
  EXPECT_EQ(value(worker_, "show statement_timeout"), "0");
  EXPECT_EQ(effects(), 1);
}

TEST_F(SqlShares, LeavesTheSessionItsUserAndNoSequence) {
  emit(1);
  connection_.query("create sequence numbers");
  const std::string user = value(worker_, "select session_user");
  run_batch(worker_, claim(),
            statement("select note($1), nextval('numbers'), "
                      "set_config('session_authorization', 'evd_worker', false)"),
            1);
  EXPECT_EQ(effects(), 1);
  EXPECT_EQ(value(worker_, "select session_user"), user);
  EXPECT_EQ(test::failure(worker_, "select lastval()"),
            "55000: lastval is not yet defined in this session");
}

// An error undoes no lock of the session's.
TEST_F(SqlShares, LeavesTheSessionCleanOfABatchThatFailed) {
  emit(1);
  // What is random is not computed before the lock is taken.
  EXPECT_EQ(
      sqlstate_of(claim(),
                  statement("select pg_advisory_lock(78), 1 / (0 * random())::int, note($1)"), 1),
      "22012");
  EXPECT_EQ(number(worker_,
                   "select count(*) from pg_locks where locktype = 'advisory' and pid = "
                   "pg_backend_pid()"),
            0);
}

// The backend of a lost connection may still be at the batch, with the commit already received.
TEST_F(SqlShares, WaitsForABatchOfTheSameShareThatItsConnectionLeftBehind) {
  emit(3);
  const ShareRef share = claim();
  connection_.query("select pg_advisory_lock(77)");
  std::jthread first([&] { run_batch(worker_, share, statement("select slow($1)"), 2); });
  ASSERT_TRUE(eventually([&] {
    return number(connection_, "select count(*) from pg_locks where not granted and objid = 77") ==
           1;
  }));
  BatchResult second;
  std::jthread again([&] {
    pg::Connection other = database_.connect();
    second = run_batch(other, share, statement("select note($1)"), 10);
  });
  ASSERT_TRUE(eventually(
      [&] { return number(connection_, "select count(*) from pg_locks where not granted") == 2; }));
  connection_.query("select pg_advisory_unlock(77)");
  first.join();
  again.join();
  EXPECT_EQ(second.ran, 1);
  EXPECT_EQ(value(connection_, "select count(*) || ' ' || count(distinct event_id) from effect"),
            "3 3");
}

TEST_F(SqlShares, LeavesNothingOfTheUsersInTheSession) {
  emit(2);
  const ShareRef share = claim();
  for (const char* which : {"first", "second"}) {
    EXPECT_EQ(run_batch(worker_, share, littering(), 1).ran, 1) << which;
    EXPECT_EQ(value(worker_, "select current_setting('evd.left', true)"), "");
    EXPECT_EQ(value(worker_, "show statement_timeout"), "0");
    EXPECT_EQ(number(worker_,
                     "select count(*) from pg_locks where locktype = 'advisory' and pid = "
                     "pg_backend_pid()"),
              0);
    EXPECT_EQ(number(worker_, "select count(*) from pg_class where relname = 'scratch'"), 0);
    EXPECT_EQ(number(worker_, "select count(*) from pg_cursors where name = 'held'"), 0);
    EXPECT_EQ(number(worker_, "select count(*) from pg_listening_channels()"), 0);
  }
}

TEST_F(SqlShares, PreparesAStatementOncePerSession) {
  emit(6);
  const ShareRef share = claim();
  run_batch(worker_, share, note_, 2);
  run_batch(worker_, share, note_, 2);
  EXPECT_EQ(prepared("from_sql"), 1);
  EXPECT_EQ(prepared("generic_plans + custom_plans = 2"), 1);
  worker_.run_script("deallocate all");
  EXPECT_EQ(run_batch(worker_, share, note_, 2).ran, 2) << "as behind a pooler";
}

TEST_F(SqlShares, RunsWhatAStatementHasBecome) {
  emit(2);
  const ShareRef share = claim();
  run_batch(worker_, share, note_, 1);
  connection_.run_script(
      "create or replace function note(e jsonb) returns void language sql as "
      "$$ insert into effect (event_id) values (-1) $$");
  run_batch(worker_, share, note_, 1);
  EXPECT_EQ(number(connection_, "select count(*) from effect where event_id = -1"), 1);
}

TEST_F(SqlShares, RunsStatementsOfEveryForm) {
  connection_.run_script(
      "create procedure take(e jsonb) language sql as "
      "$$ insert into effect (event_id) values ((e ->> 'id')::bigint) $$;"
      "create function twice(e jsonb) returns setof bigint language sql as "
      "$$ insert into effect (event_id) values ((e ->> 'id')::bigint) returning event_id $$;");
  for (const char* text :
       {"call take($1)", "with e as (select $1 as e) select note(e) from e;", "select twice($1)",
        "insert into effect (event_id) select ($1 ->> 'id')::bigint where 'a;b' <> ''",
        "values (note($1))", "select note($1) -- why"}) {
    emit(3);
    EXPECT_EQ(run_batch(worker_, claim(), statement(text), 3).ran, 3) << text;
  }
  EXPECT_EQ(value(connection_, "select count(*) || ' ' || count(distinct event_id) from effect"),
            "18 18");
}

TEST_F(SqlShares, RunsADeliveryOnce) {
  emit(1);
  const ShareRef share = claim();
  fail_next(worker_, share, note_, {.kind = OutcomeKind::k_retry, .error = "x", .retry_after = {}});
  connection_.query(
      "update evd.delivery set state = 'running', run = 2, attempts = 2, node_id = $1",
      pg::params(node_));
  const FinishedRun run{.event_id = number(connection_, "select event_id from evd.delivery"),
                        .handler = "sql_note",
                        .run = 2,
                        .outcome = {}};
  EXPECT_TRUE(run_delivery(worker_, node_, run, statement("select note($1)")));
  EXPECT_FALSE(run_delivery(worker_, node_, run, statement("select note($1)")));
  EXPECT_EQ(effects(), 1);
  EXPECT_EQ(value(connection_, "select state from evd.delivery"), "done");
}

TEST_F(SqlShares, GivesADeliveryToAStatementThatTakesABatch) {
  emit(1);
  fail_next(worker_, claim(), note_all_,
            {.kind = OutcomeKind::k_retry, .error = "x", .retry_after = {}});
  connection_.query(
      "update evd.delivery set state = 'running', run = 2, attempts = 2, node_id = $1",
      pg::params(node_));
  const FinishedRun run{.event_id = 1, .handler = "sql_note", .run = 2, .outcome = {}};
  EXPECT_TRUE(run_delivery(worker_, node_, run, note_all_));
  EXPECT_EQ(value(connection_, "select events from batch"), "{1}");
}

}  // namespace
}  // namespace evd::journal
