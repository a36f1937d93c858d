// How evd ends: what it holds is brought to an end or given back.
#include <signal.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

class DaemonStop : public DaemonTest {
 protected:
  void write_config(const std::string& stop_timeout) {
    Settings settings = shop.settings();
    settings["daemon"]["stop_timeout"] = stop_timeout;
    // Each attempt that is run again counts against this, unless it was given back.
    settings["defaults"]["max_attempts"] = "1";
    shop.write_config(settings);
  }
  bool nobody_is_registered() {
    return shop.number("select count(*) from evd.node where fenced_at is null") == 0;
  }
};

TEST_F(DaemonStop, AttemptsThatRunMayEndAndTheNodeLeaves) {
  write_config("\"10s\"");
  const Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(50);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 4; }));
  evd->signal(SIGTERM);
  // With its windows closed, all that it still has is in rows.
  ASSERT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.event_window where closed_at is null") == 0;
  }));
  EXPECT_TRUE(evd->running());
  shop.release();
  EXPECT_EQ(evd->wait(), 0);
  EXPECT_EQ(shop.count("start"), 4);
  EXPECT_EQ(shop.count("end"), 4);
  EXPECT_TRUE(nobody_is_registered());

  const Program next = shop.start_evd();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

TEST_F(DaemonStop, AConnectionLostMeanwhileIsMadeAgainToLeaveInOrder) {
  write_config("\"10s\"");
  const Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(4);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 4; }));
  ASSERT_TRUE(eventually([&] { return shop.sql_tally(ids) == Tally{}; }));
  evd->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.event_window where closed_at is null") == 0;
  }));
  shop.value(
      "select count(pg_terminate_backend(pid, 1000)) from pg_stat_activity "
      "where datname = current_database() and application_name = 'evd'");
  shop.release();
  EXPECT_EQ(evd->wait(), 0);
  EXPECT_TRUE(nobody_is_registered()) << evd->err();
  EXPECT_TRUE(shop.all_processed(ids)) << "what ended was written down";
}

TEST_F(DaemonStop, AnAttemptLongerThanStopTimeoutIsGivenBackUncounted) {
  write_config("\"300ms\"");
  Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(1);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 1; }));
  evd->signal(SIGTERM);
  EXPECT_EQ(evd->wait(), 0);
  EXPECT_TRUE(nobody_is_registered());
  EXPECT_EQ(shop.value("select state || attempts from evd.deliveries"), "waiting0");
  shop.release();
  evd = shop.start_evd();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.count("start"), 2);
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonStop, ASecondSigtermGivesBackAtOnce) {
  write_config("\"60s\"");
  Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(1);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 1; }));
  evd->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.event_window where closed_at is null") == 0;
  }));
  evd->signal(SIGTERM);
  EXPECT_EQ(evd->wait(std::chrono::seconds{20}), 0);
  EXPECT_EQ(shop.value("select state || attempts from evd.deliveries"), "waiting0");
  shop.release();
  evd = shop.start_evd();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonStop, ASlowSqlHandlerIsCancelledAndItsEffectHappensOnce) {
  write_config("\"300ms\"");
  Program evd = shop.start_evd();
  const Ids ids = {shop.emit_one(R"({"sleep": 3})")};
  ASSERT_TRUE(eventually([&] {
    return shop.number(
               "select count(*) from pg_stat_activity where datname = current_database() "
               "and wait_event = 'PgSleep'") == 1;
  }));
  evd->signal(SIGTERM);
  EXPECT_EQ(evd->wait(), 0);
  EXPECT_EQ(shop.number("select count(*) from shop.coupon"), 0);
  EXPECT_EQ(shop.number("select count(*) from pg_stat_activity where datname = current_database() "
                        "and wait_event = 'PgSleep'"),
            0);
  evd = shop.start_evd();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

}  // namespace
}  // namespace evd::test
