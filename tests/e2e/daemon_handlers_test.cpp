// What evd does with events while nothing goes wrong.
#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using DaemonHandlers = DaemonTest;

TEST_F(DaemonHandlers, BothHandlersOfAnEventRunAndDoneIsInTheOrderExpected) {
  Settings settings = shop.settings();
  settings["events.reversed"] = {{"handlers", R"(["lottery", "giveCoupon"])"}};
  shop.write_config(settings);
  const Program evd = shop.start_evd();
  Ids ids = shop.emit(20);
  const Ids reversed = shop.emit(20, "reversed");
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_TRUE(shop.wait_processed(reversed));
  EXPECT_EQ(shop.number("select count(*) from evd.events where event_name = 'purchased' "
                        "and done = array['giveCoupon', 'lottery'] and state = 'processed'"),
            20);
  EXPECT_EQ(shop.number("select count(*) from evd.events where event_name = 'reversed' "
                        "and done = array['lottery', 'giveCoupon']"),
            20);
  ids.insert(ids.end(), reversed.begin(), reversed.end());
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonHandlers, AnEmitThatRolledBackIsNeverRun) {
  const Program evd = shop.start_evd();
  shop.value("begin");
  shop.emit(3);
  shop.value("rollback");
  const Ids ids = shop.emit(3);
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonHandlers, APausedHandlerWaitsInFewRowsAndTheOtherGoesOn) {
  shop.apply();
  shop.value("select evd.pause('lottery')");
  const Program evd = shop.start_evd();
  shop.value("select count(evd.emit('purchased', '[]')) from generate_series(1, 2000)");
  ASSERT_TRUE(eventually([&] { return shop.number("select count(*) from shop.coupon") == 2000; }));
  EXPECT_EQ(shop.count("start"), 0);
  EXPECT_LE(shop.number("select count(*) from evd.window_part"), 20);
  EXPECT_EQ(shop.number("select count(*) from evd.delivery"), 0);
  EXPECT_TRUE(eventually([&] {
    return shop.number(
               "select count(*) from (select from evd.events where status = 0 and "
               "done = '{giveCoupon}' limit 100) e") == 100;
  }));
}

TEST_F(DaemonHandlers, WhatWaitedForAPausedHandlerRunsOnceItIsResumed) {
  shop.apply();
  shop.value("select evd.pause('lottery')");
  const Program evd = shop.start_evd();
  const Ids ids = shop.emit(100);
  ASSERT_TRUE(eventually([&] { return shop.number("select count(*) from shop.coupon") == 100; }));
  EXPECT_EQ(shop.count("start"), 0);
  shop.value("select evd.resume('lottery')");
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonHandlers, AnEventToBeDeliveredLaterIsNotRunEarly) {
  const Program evd = shop.start_evd();
  const Ids later = {std::stoll(shop.value(
      "select evd.emit('purchased', deliver_at => clock_timestamp() + interval '2 s')"))};
  const Ids now = shop.emit(5);
  EXPECT_TRUE(shop.wait_processed(now));
  EXPECT_EQ(shop.value("select state from evd.events where id = $1", pg::params(later[0])),
            "emitted");
  EXPECT_TRUE(shop.wait_processed(later));
  EXPECT_EQ(shop.sql_tally(later), Tally{});
  EXPECT_EQ(shop.exec_tally(later), Tally{});
}

TEST_F(DaemonHandlers, ASlowHandlerDoesNotDelayAFastOne) {
  Settings settings = shop.settings();
  settings["handlers.fast"] = {{"exec", shop.exec_line("fast")}};
  settings["events.purchased"] = {{"handlers", R"(["giveCoupon", "lottery", "fast"])"}};
  shop.write_config(settings);
  const Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(300);
  // All of the fast ones end while of the slow one only its first few have started.
  EXPECT_TRUE(eventually([&] { return shop.count("end", "fast") == 300; }));
  EXPECT_EQ(shop.number("select count(*) from shop.coupon"), 300);
  EXPECT_LE(shop.count("start"), 4);
  shop.release();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids, "fast"), Tally{});
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

}  // namespace
}  // namespace evd::test
