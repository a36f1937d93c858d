// What is wrong with the installation as a whole is told once, and so is its end.
#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

class Watch : public LogFixture {
 protected:
  void watch() { connection.query("select evd.watch('5 minutes')"); }

  // As if so much time had passed since everything so far.
  void pass_time(const std::string& time) {
    connection.run_script("update evd.event set created_at = created_at - interval '" + time +
                          "'; update evd.node set heartbeat_at = heartbeat_at - interval '" + time +
                          "', stopped_at = stopped_at - interval '" + time +
                          "'; update evd.trouble set since = since - interval '" + time + "'");
  }

  void keep_alive() {
    connection.query("update evd.node set heartbeat_at = now() where id = $1", pg::params(node));
  }

  std::string told() {
    const auto told = rows(connection, "select kind, handler from evd.alert order by id");
    connection.query("delete from evd.alert");
    return told;
  }
};

TEST_F(Watch, TellsNothingOfWhatIsWell) {
  watch();
  emit();
  watch();
  run_window();
  pass_time("10 minutes");
  keep_alive();
  watch();
  EXPECT_EQ(told(), "");
}

TEST_F(Watch, TellsOfEventsThatNobodyTakes) {
  emit();
  pass_time("4 minutes");
  watch();
  EXPECT_EQ(told(), "");
  pass_time("2 minutes");
  watch();
  EXPECT_EQ(value(connection, "select error from evd.alert where kind = 'backlog'"),
            "events wait, and no evd is running: see evctl status");
  EXPECT_EQ(told(), "backlog|(log)");
  watch();
  EXPECT_EQ(told(), "") << "once";
  keep_alive();
  run_window();
  watch();
  EXPECT_EQ(told(), "recovered|(log)");
  watch();
  EXPECT_EQ(told(), "");
}

TEST_F(Watch, TellsThatPassesHaveStoppedWhereTheyWereMade) {
  pass_time("10 minutes");
  keep_alive();
  watch();
  EXPECT_EQ(told(), "") << "evrecover was never in use";
  const auto make_pass = [&] {
    const auto pass =
        number(connection, "select evd.register_node('cron', 'evrecover', '1', '{}')");
    connection.query("select evd.leave_node($1)", pg::params(pass));
  };
  make_pass();
  pass_time("10 minutes");
  keep_alive();
  watch();
  EXPECT_EQ(told(), "") << "a person ran it once";
  make_pass();
  make_pass();
  watch();
  pass_time("6 minutes");
  keep_alive();
  watch();
  watch();
  EXPECT_EQ(told(), "recovery_stalled|(evrecover)");
  make_pass();
  watch();
  EXPECT_EQ(told(), "recovered|(evrecover)");
}

TEST_F(Watch, TellsOfAHandlerWithWorkThatNobodyHosts) {
  const auto id = emit();
  run_window("(" + std::to_string(id) + ",lottery,retry)");
  connection.query("update evd.node set handlers = '{sqlCoupon}'");
  told();
  watch();
  EXPECT_EQ(told(), "") << "it may only be starting anew";
  pass_time("6 minutes");
  keep_alive();
  watch();
  watch();
  EXPECT_EQ(told(), "stalled|(lottery)");
  connection.query("update evd.node set handlers = '{sqlCoupon,lottery}'");
  watch();
  EXPECT_EQ(told(), "recovered|(lottery)");
}

TEST_F(Watch, ForgetsWhatPassedBeforeItWasTold) {
  connection.query("select evd.note_trouble('config_drift', '(x)', 'a', '5 minutes')");
  connection.query("select evd.note_trouble('config_drift', '(x)', null)");
  EXPECT_EQ(told(), "");
  EXPECT_EQ(number(connection, "select count(*) from evd.trouble"), 0);
}

TEST_F(Watch, ItsAlertsGoTheWayOfThoseOfPairs) {
  const std::string routes =
      R"({"owners": {"default": ["pager"]}, "channels": {"pager": {"kinds": ["*"], "group_wait_ms": 0}}})";
  connection.query(
      "select evd.note_trouble('config_drift', '(evd on web)', 'event \"x\" differs')");
  connection.query("select evd.alert_fold($1, 100)", pg::params(routes));
  connection.query(
      "update evd.alert_group set state = 'sent', sent_at = now()"
      " where kind = 'config_drift' and state = 'open'");
  connection.query("select evd.note_trouble('config_drift', '(evd on web)', null)");
  connection.query("select evd.alert_fold($1, 100)", pg::params(routes));
  EXPECT_EQ(rows(connection, "select kind, handler, state from evd.alert_group order by id"),
            "config_drift|(evd on web)|settled\nrecovered|(evd on web)|open");
}

}  // namespace
}  // namespace evd::test
