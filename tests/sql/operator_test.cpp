// What a person does: re-emit, resolve, pause, resume; and what is shown.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Operator : public LogFixture {
 protected:
  // "handler|result" by line.
  std::string re_emit(std::int64_t event, const std::string& options = "") {
    return rows(connection, "select * from evd.re_emit($1, p_actor => 'ann'" + options + ")",
                pg::params(event));
  }

  std::string resolve(std::int64_t event, const std::string& options = "") {
    return rows(connection, "select * from evd.resolve($1, p_why => 'by hand'" + options + ")",
                pg::params(event));
  }

  nlohmann::json show(std::int64_t event) {
    return nlohmann::json::parse(value(connection, "select evd.show($1)", pg::params(event)));
  }
};

TEST_F(Operator, ReEmitsWhatIsMissingWithFreshAttempts) {
  emit();
  run_window("(1,lottery,failed)");
  connection.query("update evd.handler set max_attempts = 4");
  EXPECT_EQ(re_emit(1), "sqlCoupon|already done\nlottery|re-emitted");
  EXPECT_EQ(delivery(1), "waiting|1|0");
  EXPECT_EQ(number(connection, "select max_attempts from evd.delivery"), 4);
  EXPECT_EQ(status(1), "0|emitted|{sqlCoupon}|{}");
  EXPECT_EQ(take(), "1|2|1|f");
  finish(1, 2, "done");
  EXPECT_EQ(alerts(), "escalated|1|lottery\nrecovered|1|lottery");
  EXPECT_EQ(rows(connection,
                 "select action, event_id, handler, actor from evd.action where event_id = 1"),
            "re_emit|1|lottery|evd (ann)");
  EXPECT_EQ(re_emit(1), "sqlCoupon|already done\nlottery|already done");
}

TEST_F(Operator, ReEmitsWhatIsDoneOnlyWhenAskedTo) {
  connection.query("create table public.seen (key text)");
  emit();
  run_window();
  EXPECT_EQ(re_emit(1, ", p_all => true, p_handler => 'sqlCoupon'"), "sqlCoupon|re-emitted");
  const std::string run =
      "select evd.run_sql_delivery(1, 'sqlCoupon', $1, $2,"
      " 'insert into public.seen select $1 ->> ''idempotency_key''')";
  EXPECT_EQ(take("sqlCoupon"), "1|2|1|f");
  EXPECT_EQ(value(connection, run, pg::params(2, node)), "t");
  re_emit(1, ", p_all => true, p_new_key => true, p_handler => 'sqlCoupon'");
  EXPECT_EQ(take("sqlCoupon"), "1|3|1|f");
  EXPECT_EQ(value(connection, run, pg::params(3, node)), "t");
  EXPECT_EQ(rows(connection, "select key from public.seen order by 1"),
            "test:1:sqlCoupon\ntest:1:sqlCoupon:r1");
  EXPECT_EQ(audit(), "2|2|0|0|0|0");
}

TEST_F(Operator, IgnoresALateReportOfTheRunBeforeAReEmit) {
  emit();
  run_window("(1,lottery,running)");
  EXPECT_EQ(finish(1, 1, "done"), 1);
  re_emit(1, ", p_all => true, p_handler => 'lottery'");
  EXPECT_EQ(take(), "1|2|1|f");
  EXPECT_EQ(finish(1, 1, "done"), 0);
}

TEST_F(Operator, TouchesNothingThatMayBeRunning) {
  emit();
  EXPECT_EQ(re_emit(1, ", p_handler => 'lottery'"), "lottery|still running: not taken yet");
  claim();
  EXPECT_EQ(re_emit(1, ", p_handler => 'lottery', p_all => true"),
            "lottery|still running: in an open window");
  EXPECT_EQ(resolve(1, ", p_handler => 'lottery'"), "lottery|still running: in an open window");
  close("(1,lottery,running)", "{sqlCoupon}");
  EXPECT_THAT(re_emit(1, ", p_all => true"),
              StartsWith("sqlCoupon|still running: put off with its window\n"
                         "lottery|still running: on one since "));
  EXPECT_EQ(delivery(1), "running|1|1");
  EXPECT_EQ(delivery(1, "sqlCoupon"), "");
  EXPECT_EQ(number(connection, "select count(*) from evd.action where event_id is not null"), 0);
}

TEST_F(Operator, DoesNotRunBeforeItsTimeWhatIsDueLater) {
  connection.query("select evd.emit('purchased', deliver_at => now() + interval '1 hour')");
  run_window();
  EXPECT_THAT(re_emit(1, ", p_handler => 'lottery'"), StartsWith("lottery|not due before "));
  // But a person may call it off.
  EXPECT_EQ(resolve(1, ", p_handler => 'lottery'"), "lottery|resolved");
}

TEST_F(Operator, NamesAnUnknownEventOrHandler) {
  emit();
  run_window();
  EXPECT_EQ(failure(connection, "select evd.re_emit(9)"), "VE004: event_id: no such event: 9");
  EXPECT_EQ(failure(connection, "select evd.resolve(9, p_why => 'x')"),
            "VE004: event_id: no such event: 9");
  EXPECT_THAT(failure(connection, "select evd.re_emit(1, 'crm')"), StartsWith("VE003: handler: "));
  EXPECT_THAT(failure(connection, "select evd.resolve(1, 'lottery')"), StartsWith("22023: why: "));
  EXPECT_THAT(failure(connection, "select evd.pause('crm')"), StartsWith("VE003: handler: "));
  EXPECT_THAT(failure(connection, "select evd.resume('crm')"), StartsWith("VE003: handler: "));
  EXPECT_EQ(value(connection, "select evd.show(9)"), "");
}

TEST_F(Operator, HasNothingToDoWhereNothingIsExpected) {
  make_route(connection, "noted", {});
  connection.query("select evd.emit('noted')");
  run_window();
  EXPECT_EQ(re_emit(1), "");
  EXPECT_EQ(resolve(1), "");
}

TEST_F(Operator, ReEmitsTenThousandInSeconds) {
  connection.query(
      "select evd.emit_many(jsonb_agg('{\"event_name\": \"purchased\"}'::jsonb))"
      " from generate_series(1, 10000)");
  number(connection, "select id from evd.claim($1, 7, 10000)", pg::params(node));
  connection.query(
      "select evd.close_window(1, $1, 7, '{}', '{}', '{}', array_agg(id),"
      " array_fill('lottery'::text, array[10000]), array_fill('queued'::text, array[10000]),"
      " array_fill(null::text, array[10000]), array_fill(null::float8, array[10000]), false)"
      " from evd.event",
      pg::params(node));
  connection.query("update evd.delivery set state = 'escalated'");
  connection.query("set statement_timeout = '20s'");
  EXPECT_EQ(number(connection,
                   "select count(*) from evd.re_emit_many((select array_agg(event_id)"
                   " from evd.delivery), 'lottery') where result = 're-emitted'"),
            10000);
}

TEST_F(Operator, ResolvesForGoodAndTellsThatTheTroubleIsOver) {
  emit();
  run_window("(1,lottery,failed)");
  EXPECT_EQ(resolve(1), "sqlCoupon|already done\nlottery|resolved");
  EXPECT_EQ(status(1), "2|processed|{sqlCoupon}|{lottery}");
  EXPECT_EQ(alerts(), "escalated|1|lottery\nrecovered|1|lottery");
  EXPECT_EQ(audit(), "2|1|1|0|0|0");
  EXPECT_EQ(resolve(1), "sqlCoupon|already done\nlottery|already resolved");
  EXPECT_EQ(re_emit(1), "sqlCoupon|already done\nlottery|already resolved");
  EXPECT_EQ(re_emit(1, ", p_all => true, p_handler => 'lottery'"), "lottery|re-emitted");
  EXPECT_EQ(value(connection, "select why from evd.action where action = 'resolve'"), "by hand");
}

TEST_F(Operator, PausesAndResumesWakingWhoSleeps) {
  emit();
  run_window("", "{lottery}");
  EXPECT_EQ(value(connection, "select evd.pause('lottery', 'ann')"), "t");
  EXPECT_EQ(value(connection, "select evd.pause('lottery', 'bob')"), "f");
  EXPECT_EQ(
      rows(connection, "select is_paused, has_part from evd.poll(1, '{lottery}', false, '0')"),
      "t|t");
  EXPECT_EQ(value(connection, "select paused_by from evd.handler where name = 'lottery'"),
            "evd (ann)");
  EXPECT_EQ(
      rows(connection, "select window_id from evd.take_part($1, 7, '{lottery}')", pg::params(node)),
      "");
  connection.query("update evd.window_part set next_at = now() + interval '1 hour'");
  connection.query("select evd.arm()");
  auto listener = database.connect();
  listener.query("listen evd");
  EXPECT_EQ(value(connection, "select evd.resume('lottery')"), "t");
  EXPECT_TRUE(listener.wait_notification(std::chrono::seconds{10}));
  EXPECT_EQ(value(connection, "select evd.resume('lottery')"), "f");
  EXPECT_EQ(
      rows(connection, "select window_id from evd.take_part($1, 7, '{lottery}')", pg::params(node)),
      "1");
}

TEST_F(Operator, IsShownOneEventsWholeStory) {
  connection.query("select evd.emit('purchased', '[1.50, 12345678901234567890]', 'k')");
  EXPECT_EQ(show(1)["where"]["place"], "not taken");
  claim();
  EXPECT_EQ(show(1)["where"]["place"], "window");
  EXPECT_EQ(show(1)["where"]["node"], "one");
  close("(1,lottery,failed)", "{sqlCoupon}");
  const auto story = show(1);
  for (const auto* key : {"id", "event_name", "created_at", "expected", "status", "state", "done",
                          "resolved", "args", "key", "headers", "deadline"})
    EXPECT_TRUE(story.contains(key)) << key;
  EXPECT_THAT(value(connection, "select evd.show(1)"), HasSubstr("[1.50, 12345678901234567890]"));
  EXPECT_EQ(story["where"]["place"], "parts");
  EXPECT_EQ(story["deliveries"][0]["handler"], "sqlCoupon");
  EXPECT_EQ(story["deliveries"][0]["state"], "deferred");
  EXPECT_EQ(story["deliveries"][1]["state"], "escalated");
  EXPECT_EQ(story["deliveries"][1]["attempts"], 1);
  EXPECT_EQ(story["deliveries"][1]["last_error"], "boom");
  EXPECT_EQ(story["attempts"][0]["error"], "boom");
  EXPECT_EQ(story["status"], 3);
  emit();
  run_window();
  EXPECT_EQ(show(2)["where"]["place"], "finished");
  EXPECT_EQ(show(2)["deliveries"][0]["attempts"], 1);
}

TEST_F(Operator, IsShownWhereEverythingStands) {
  emit();
  emit();
  run_window("(1,lottery,failed),(2,lottery,retry)", "{sqlCoupon}");
  emit();
  const auto report = nlohmann::json::parse(value(connection, "select evd.status_report()"));
  EXPECT_EQ(report["log"]["unread"], 1);
  EXPECT_EQ(report["log"]["taken"], 2);
  EXPECT_EQ(report["log"]["taken_last_minute"], 2);
  EXPECT_EQ(report["nodes"][0]["name"], "one");
  EXPECT_EQ(report["routes"][0]["event_name"], "purchased");
  EXPECT_EQ(report["handlers"][0]["name"], "lottery");
  EXPECT_EQ(report["handlers"][0]["waiting"], 1);
  EXPECT_EQ(report["handlers"][0]["escalated"], 1);
  EXPECT_EQ(report["handlers"][1]["parts"], 1);
  EXPECT_EQ(report["handlers"][1]["part_events"], 2);
  EXPECT_EQ(report["escalated"][0]["error"], "boom");
  EXPECT_EQ(rows(connection,
                 "select handler, state, error, pairs, example from evd.failures() order by 2"),
            "lottery|escalated|boom|1|1\nlottery|waiting|boom|1|2");
}

TEST_F(Operator, FoldsOfAnErrorWhatIsNotItsCause) {
  const auto folded = [&](const std::string& error) {
    return value(connection, "select evd.error_fingerprint($1)", pg::params(error));
  };
  EXPECT_EQ(folded("HTTP 503: timeout crm.example after 1003 ms"),
            "HTTP 503: timeout crm.example after # ms");
  EXPECT_EQ(folded("exit status 3: cannot open \"/tmp/x 7\""), "exit status 3: cannot open \"…\"");
  EXPECT_EQ(folded("killed by signal 9 (SIGKILL)"), "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(folded("'a' is no `b`; can't find user 42's row"),
            "\"…\" is no \"…\"; can't find user #'s row");
  EXPECT_EQ(folded("order 123e4567-e89b-12d3-a456-426614174000 of a1b2c3d4e5 at 0xff"),
            "order # of # at #");
  EXPECT_EQ(folded("connect to 10.0.0.17:8080: 5.25 s"), "connect to #: # s");
  EXPECT_EQ(folded("Key (id)=(42) already exists"), "Key (id)=(#) already exists");
  EXPECT_EQ(folded(std::string(10'000, 'x')), std::string(300, 'x'));
}

}  // namespace
}  // namespace evd::test
