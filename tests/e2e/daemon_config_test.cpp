// Configuration that changes, and bad input.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class DaemonConfiguration : public DaemonTest {
 protected:
  RunResult run_evd(std::vector<std::string> flags = {}) {
    std::vector<std::string> command = {evd_binary("evd"), "--config", shop.config_path()};
    command.insert(command.end(), flags.begin(), flags.end());
    return run(std::move(command));
  }
};

TEST_F(DaemonConfiguration, ASighupTakesAChangedHandler) {
  const Program evd = shop.start_evd();
  const Ids before = shop.emit(5);
  ASSERT_TRUE(shop.wait_processed(before));
  Settings settings = shop.settings();
  settings["handlers.lottery"]["exec"] = shop.exec_line("tombola");
  shop.write_config(settings);
  evd->signal(SIGHUP);
  ASSERT_TRUE(evd->wait_for_output("read again"));
  const Ids after = shop.emit(5);
  EXPECT_TRUE(shop.wait_processed(after));
  EXPECT_EQ(shop.exec_tally(before, "lottery"), Tally{});
  EXPECT_EQ(shop.exec_tally(after, "tombola"), Tally{});
  EXPECT_EQ(shop.count("end", "lottery"), 5);
}

TEST_F(DaemonConfiguration, ASighupWithABadFileKeepsTheOldAndSaysSo) {
  const Program evd = shop.start_evd();
  write_file(shop.config_path(), "[daemon]\nlog_levle = \"info\"\n");
  evd->signal(SIGHUP);
  ASSERT_TRUE(evd->wait_for_output("the old one stays"));
  EXPECT_THAT(evd->err(), HasSubstr("log_level"));
  const Ids ids = shop.emit(5);
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  ASSERT_TRUE(eventually([&] { return shop.alert("config_bad").has_value(); }));
  EXPECT_THAT(shop.alert("config_bad")->dump(), HasSubstr("log_levle"));
  shop.write_config(shop.settings());
  evd->signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return shop.alert("recovered").has_value(); }));
}

TEST_F(DaemonConfiguration, AFileThatDiffersFromTheDatabaseIsToldUntilItDoesNot) {
  const Program first = shop.start_evd();
  Settings settings = shop.settings("other");
  settings["handlers.lottery"]["max_attempts"] = "7";
  shop.write_config(settings, "other");
  const Program second = shop.start_evd("other");
  ASSERT_TRUE(eventually([&] { return shop.alert("config_drift").has_value(); }));
  EXPECT_THAT(shop.alert("config_drift")->dump(), HasSubstr("max_attempts"));
  const Ids ids = shop.emit(5);
  EXPECT_TRUE(shop.wait_processed(ids));
  shop.write_config(shop.settings("other"), "other");
  second->signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return shop.alert("recovered").has_value(); }));
}

TEST_F(DaemonConfiguration, AHandlerRenamedWithWorkOutstandingLosesNothing) {
  Program evd = shop.start_evd();
  shop.fail();
  const Ids before = shop.emit(3);
  ASSERT_TRUE(eventually([&] { return shop.number("select count(*) from evd.attempt") >= 3; }));
  Settings settings = shop.settings();
  settings.erase("handlers.lottery");
  settings["handlers.tombola"]["exec"] = shop.exec_line("tombola");
  settings["events.purchased"]["handlers"] = R"(["giveCoupon", "tombola"])";
  shop.write_config(settings);
  shop.apply();
  evd->signal(SIGHUP);
  ASSERT_TRUE(evd->wait_for_output("read again"));
  const Ids after = shop.emit(3);
  EXPECT_TRUE(shop.wait_processed(after));
  EXPECT_EQ(shop.exec_tally(after, "tombola"), Tally{});
  EXPECT_EQ(
      shop.number(
          "select count(*) from evd.deliveries where handler = 'lottery' and state = 'waiting'"),
      3)
      << "nothing of it is given up";
  ASSERT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.trouble where subject = '(lottery)'") == 1;
  }));
  shop.value("update evd.trouble set since = since - interval '6 minutes'");
  ASSERT_TRUE(eventually([&] { return shop.alert("stalled").has_value(); }));
  EXPECT_THAT(shop.alert("stalled")->dump(), HasSubstr("renamed"));
  shop.mend();
  settings["handlers.lottery"]["exec"] = shop.exec_line("lottery");
  shop.write_config(settings);
  evd->signal(SIGHUP);
  EXPECT_TRUE(shop.wait_processed(before));
}

TEST_F(DaemonConfiguration, ASighupAmidWorkLosesNothing) {
  const Program evd = shop.start_evd();
  Ids ids;
  for (int round = 0; round < 3; ++round) {
    const Ids some = shop.emit(50);
    ids.insert(ids.end(), some.begin(), some.end());
    evd->signal(SIGHUP);
  }
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonConfiguration, CheckConfigNamesTheLineAndWhatWasMeant) {
  EXPECT_EQ(run_evd({"--check-config"}).exit, 0);
  write_file(shop.config_path(), "[daemon]\nlisten = []\nbatch_sise = 5\n");
  const RunResult result = run_evd({"--check-config"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr(shop.config_path() + ":3"));
  EXPECT_THAT(result.err, HasSubstr("batch_size"));
}

TEST_F(DaemonConfiguration, AnUnknownFlagAndAMissingFileAreUsageErrors) {
  EXPECT_EQ(run_evd({"--no-such-flag"}).exit, 2);
  const RunResult result = run({evd_binary("evd"), "--config", "/nonexistent/evd.toml"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("/nonexistent/evd.toml"));
}

TEST_F(DaemonConfiguration, ADatabaseWithoutTheSchemaIsRefused) {
  const TestDatabase empty;
  const RunResult result = run_evd({"--database", empty.url()});
  EXPECT_EQ(result.exit, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("migrate"));
}

TEST_F(DaemonConfiguration, TheDatabaseOfAnotherInstanceIsRefused) {
  Settings settings = shop.settings();
  settings["database"]["instance"] = "\"shop-prod\"";
  shop.write_config(settings);
  const RunResult result = run_evd();
  EXPECT_EQ(result.exit, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("shop-prod"));
  EXPECT_THAT(result.err, HasSubstr("test"));
}

TEST_F(DaemonConfiguration, ThePasswordIsInNoMessage) {
  const Program evd = shop.launch(
      "evd", {"--database", "postgresql://somebody:s3cr%65t@127.0.0.1:1/shop?connect_timeout=2"});
  EXPECT_TRUE(evd->wait_for_output("out of reach"));
  EXPECT_TRUE(eventually([&] { return shop.alert("database_away").has_value(); }));
  EXPECT_THAT(evd->err(), Not(HasSubstr("s3cr")));
  EXPECT_THAT(shop.alert("database_away")->dump(), Not(HasSubstr("s3cr")));
}

}  // namespace
}  // namespace evd::test
