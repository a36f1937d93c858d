// Failing handlers: again, and again, and then a person.
#include <gmock/gmock.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

class DaemonRetries : public DaemonTest {
 protected:
  void write_config(int max_attempts) {
    Settings settings = shop.settings();
    settings["defaults"]["max_attempts"] = std::to_string(max_attempts);
    shop.write_config(settings);
  }
  std::string status_of(std::int64_t id) {
    return shop.value("select status from evd.events where id = $1", pg::params(id));
  }
};

TEST_F(DaemonRetries, AHandlerThatFailedIsRunAgainUntilItSucceeds) {
  const Program evd = shop.start_evd();
  shop.fail();
  const Ids ids = shop.emit(10);
  ASSERT_TRUE(eventually([&] { return shop.count("start") >= 20; }));
  shop.mend();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

TEST_F(DaemonRetries, AfterMaxAttemptsAPersonIsToldAndNothingRunsAnyMore) {
  write_config(3);
  const Program evd = shop.start_evd();
  shop.fail();
  const std::int64_t id = shop.emit_one();
  ASSERT_TRUE(eventually([&] { return status_of(id) == "3"; }));
  EXPECT_EQ(shop.count("start"), 3);
  EXPECT_EQ(shop.number("select attempts from evd.deliveries"), 3);
  EXPECT_THAT(shop.value("select last_error from evd.deliveries"), testing::HasSubstr("no luck"));
  EXPECT_EQ(shop.value("select done from evd.events"), "{giveCoupon}");
  ASSERT_TRUE(eventually([&] { return shop.alert("escalated").has_value(); }));
  const nlohmann::json alert = *shop.alert("escalated");
  EXPECT_EQ(alert["handler"], "lottery");
  EXPECT_EQ(alert["event_name"], "purchased");
  EXPECT_EQ(alert["event_ids"], nlohmann::json::array({id}));
  // Another event has all its attempts meanwhile: nobody touched the first.
  const std::int64_t other = shop.emit_one();
  ASSERT_TRUE(eventually([&] { return status_of(other) == "3"; }));
  EXPECT_EQ(shop.count("start"), 6);
  EXPECT_EQ(shop.sql_tally({id, other}), Tally{});
}

TEST_F(DaemonRetries, ABrokenHandlerRaisesOneEscalatedAlertForManyEvents) {
  Settings settings = shop.settings();
  settings["defaults"]["max_attempts"] = "1";
  settings["alerts.pager"]["group_wait"] = "\"3s\"";
  shop.write_config(settings);
  const Program evd = shop.start_evd();
  shop.fail();
  const Ids ids = shop.emit(20);
  ASSERT_TRUE(eventually([&] { return shop.alert("escalated").has_value(); }));
  EXPECT_EQ(shop.alert("escalated")->value("count", 0), 20);
  EXPECT_EQ(shop.alerts().size(), 1U);
}

TEST_F(DaemonRetries, ReEmittedAfterMendingItIsProcessedAndRecoveredIsTold) {
  write_config(2);
  const Program evd = shop.start_evd();
  shop.fail();
  const Ids ids = shop.emit(1);
  ASSERT_TRUE(eventually([&] { return shop.alert("escalated").has_value(); }));
  shop.mend();
  EXPECT_EQ(shop.value("select count(*) from evd.re_emit($1) where handler = 'lottery'",
                       pg::params(ids[0])),
            "1");
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  ASSERT_TRUE(eventually([&] { return shop.alert("recovered").has_value(); }));
  EXPECT_EQ(shop.alert("recovered")->value("handler", ""), "lottery");
}

TEST_F(DaemonRetries, OneBadEventOfAnSqlBatchFailsAloneAndTheOthersRunOnce) {
  write_config(2);
  shop.apply();
  Ids good = shop.emit(20);
  const std::int64_t bad = shop.emit_one(R"({"error": true})");
  const Ids more = shop.emit(20);
  good.insert(good.end(), more.begin(), more.end());
  const Program evd = shop.start_evd();
  EXPECT_TRUE(shop.wait_processed(good));
  EXPECT_TRUE(eventually([&] { return status_of(bad) == "3"; }));
  EXPECT_EQ(shop.sql_tally(good), Tally{});
  EXPECT_EQ(shop.value("select handler from evd.deliveries"), "giveCoupon");
  EXPECT_EQ(shop.number("select attempts from evd.deliveries"), 2);
}

}  // namespace
}  // namespace evd::test
