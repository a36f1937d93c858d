// evrecover: what one pass does, with and without an evd.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/support/daemon_fixture.hpp"
#include "tests/support/http_server.hpp"

namespace evd::test {
namespace {

using nlohmann::json;

class RecoverPass : public DaemonTest {
 protected:
  void SetUp() override { shop.apply(); }
  json report(std::vector<std::string> flags = {}) {
    flags.emplace_back("--json");
    const RunResult result = shop.evrecover(flags);
    EXPECT_EQ(result.exit, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return json::parse(result.out);
  }
  Ids kill_evd_amid_its_work() {
    const Program evd = shop.start_evd();
    shop.hold();
    const Ids ids = shop.emit(100);
    EXPECT_TRUE(eventually([&] { return shop.count("start") == 4; }));
    evd->signal_group(SIGKILL);
    EXPECT_EQ(evd->wait(), 128 + SIGKILL);
    shop.release();
    return ids;
  }
  void expect_finished(const Ids& ids) {
    EXPECT_TRUE(shop.all_processed(ids));
    EXPECT_EQ(shop.sql_tally(ids), Tally{});
    EXPECT_EQ(shop.exec_tally(ids).lost, 0);
    EXPECT_LE(shop.exec_tally(ids).repeated, 4);  // those that ran
  }
};

TEST_F(RecoverPass, AloneFinishesWhatAKilledEvdLeft) {
  const Ids ids = kill_evd_amid_its_work();
  ASSERT_TRUE(eventually([&] {
    return shop.value("select heartbeat_at < clock_timestamp() - interval '1 s' from evd.node") ==
           "t";
  }));
  EXPECT_GT(report()["taken_over"], 0);
  expect_finished(ids);
}

TEST_F(RecoverPass, UntilIdleWaitsForANodeThatDiedJustNow) {
  const Ids ids = kill_evd_amid_its_work();
  EXPECT_GT(report({"--until-idle"})["taken_over"], 0);
  expect_finished(ids);
}

TEST_F(RecoverPass, CronAloneTakesWhatIsUnreadAndIsQuietAfterwards) {
  const Ids ids = shop.emit(50);
  const json done = report();
  EXPECT_TRUE(shop.all_processed(ids));
  EXPECT_EQ(done["taken"], 50);
  EXPECT_EQ(done["succeeded"], 100);
  EXPECT_EQ(done["failed"], 0);
  for (const char* key : {"taken", "taken_over", "timed_out", "retried", "succeeded", "failed",
                          "escalated", "alerts_sent", "duration_ms"}) {
    EXPECT_TRUE(done.contains(key)) << key;
  }
  const RunResult quiet = shop.evrecover();
  EXPECT_EQ(quiet.exit, 0);
  EXPECT_EQ(quiet.out + quiet.err, "");
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(RecoverPass, LeavesALivingEvdHalfAMinuteForWhatItHosts) {
  Settings settings = shop.settings();
  settings["recovery"]["node_timeout"] = "'60s'";
  shop.write_config(settings);
  const std::int64_t evd =
      shop.number("select evd.register_node('elsewhere', 'evd', '1', '{giveCoupon,lottery}')");
  const Ids ids = {shop.emit_one(R"([])")};
  shop.value(
      "select evd.close_window(w.id, $1, 7, '{}', '{}', '{}', array[$2, $2],"
      " '{giveCoupon,lottery}', '{queued,queued}', '{null,null}', '{null,null}', false)"
      " from evd.claim($1, 7, 10) w",
      pg::params(evd, ids[0]));
  const auto run_by_a_pass = [&](const std::string& waited) {
    shop.value("select evd.heartbeat($1)", pg::params(evd));
    shop.value("update evd.delivery set next_at = clock_timestamp() - $1::interval",
               pg::params(waited));
    return report()["succeeded"].get<int>();
  };
  EXPECT_EQ(run_by_a_pass("1 second"), 0);
  EXPECT_EQ(run_by_a_pass("31 seconds"), 2);
  EXPECT_TRUE(shop.all_processed(ids));
}

TEST_F(RecoverPass, WhatIsRetriedByCronAloneIsRetriedByIt) {
  Settings settings = shop.settings();
  settings["handlers.lottery"]["retry"] = "'cron'";
  shop.write_config(settings);
  shop.apply();
  const Program evd = shop.start_evd();
  shop.fail();
  const Ids ids = shop.emit(1);
  ASSERT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.delivery where state = 'waiting'") == 1;
  }));
  shop.mend();
  shop.value("update evd.delivery set next_at = clock_timestamp() - interval '31 seconds'");
  EXPECT_EQ(report()["retried"], 1);
  EXPECT_TRUE(shop.all_processed(ids));
}

TEST_F(RecoverPass, FetchesTheHeartbeatAfterAPassAndAfterNothingElse) {
  const HttpServer outside;
  auto settings = shop.settings();
  settings["recovery"]["heartbeat_url"] = "\"" + outside.url("/alive") + "\"";
  shop.write_config(settings);
  EXPECT_EQ(shop.evrecover({"--dry-run"}).exit, 0);
  EXPECT_EQ(outside.requests().size(), 0U);
  EXPECT_EQ(shop.evrecover().exit, 0);
  ASSERT_EQ(outside.requests().size(), 1U);
  EXPECT_EQ(outside.requests()[0].path, "/alive");
}

TEST_F(RecoverPass, ADryRunChangesNothing) {
  const Ids ids = shop.emit(5);
  const std::string sql =
      "select (select count(*) from evd.event_window) || ' ' || (select count(*) from evd.node)";
  const std::string before = shop.value(sql);
  const RunResult result = shop.evrecover({"--dry-run"});
  EXPECT_EQ(result.exit, 0);
  EXPECT_THAT(result.out, testing::HasSubstr("unread: since"));
  EXPECT_EQ(shop.value(sql), before);
  EXPECT_EQ(shop.count("start"), 0);
  EXPECT_EQ(shop.sql_tally(ids).lost, 5);
}

TEST_F(RecoverPass, ALimitBoundsWhatItTakesAndTheNextGoesOn) {
  Settings settings = shop.settings();
  settings["daemon"]["batch_size"] = "10";
  shop.write_config(settings);
  const Ids ids = shop.emit(50);
  EXPECT_EQ(report({"--limit", "10"})["taken"], 10);
  EXPECT_FALSE(shop.all_processed(ids));
  report();
  report({"--until-idle"});
  EXPECT_TRUE(shop.all_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(RecoverPass, NoAttemptStartsAfterMaxRuntime) {
  const Ids ids = shop.emit(50);
  shop.hold();
  const Program pass = shop.launch("evrecover", {"--max-runtime", "1s", "--json"});
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 4; }));
  // Over its time it closes what it holds, and waits for what runs.
  ASSERT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.event_window where closed_at is null") == 0 &&
           shop.number("select count(*) from evd.window_part where node_id is not null") == 0;
  }));
  ASSERT_TRUE(eventually([&] {
    return shop.value(
               "select clock_timestamp() - min(started_at) > interval '1500 ms' "
               "from evd.node where kind = 'evrecover'") == "t";
  }));
  shop.release();
  EXPECT_EQ(pass->wait(), 0) << pass->err();
  EXPECT_EQ(shop.count("start"), 4);
  report({"--until-idle"});
  EXPECT_TRUE(shop.all_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

TEST_F(RecoverPass, UntilIdleWaitsForRetries) {
  shop.fail();
  const Ids ids = shop.emit(3);
  const Program pass = shop.launch("evrecover", {"--until-idle"});
  ASSERT_TRUE(eventually([&] { return shop.count("start") >= 6; }));
  shop.mend();
  EXPECT_EQ(pass->wait(), 0) << pass->err();
  EXPECT_TRUE(shop.all_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(RecoverPass, ItEscalatesAndTellsAndExitsFiveWhenAskedTo) {
  Settings settings = shop.settings();
  settings["defaults"]["max_attempts"] = "1";
  shop.write_config(settings);
  shop.apply();
  shop.fail();
  shop.emit(3);
  const RunResult result = shop.evrecover({"--fail-on-escalated", "--json"});
  EXPECT_EQ(result.exit, 5) << result.err;
  EXPECT_EQ(json::parse(result.out)["escalated"], 3);
  EXPECT_EQ(json::parse(result.out)["alerts_sent"], 1);
  ASSERT_TRUE(shop.alert("escalated"));
  EXPECT_EQ(shop.alert("escalated")->value("count", 0), 3);
}

}  // namespace
}  // namespace evd::test
