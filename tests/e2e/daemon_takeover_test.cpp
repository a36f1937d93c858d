// Several evd, dead, frozen and alive.
#include <signal.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

class DaemonTakeover : public DaemonTest {
 protected:
  void SetUp() override { shop.write_config(shop.settings("other"), "other"); }
};

TEST_F(DaemonTakeover, OneThatWasKilledAmidItsWorkIsTakenOverByTheNext) {
  Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(100);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 4; }));
  evd->signal_group(SIGKILL);
  EXPECT_EQ(evd->wait(), 128 + SIGKILL);
  shop.release();
  evd = shop.start_evd();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  const Tally lottery = shop.exec_tally(ids);
  EXPECT_EQ(lottery.lost, 0);
  EXPECT_LE(lottery.repeated, 4);  // those that ran
}

TEST_F(DaemonTakeover, TwoShareTheWorkAndNothingRunsTwice) {
  const Program one = shop.start_evd();
  const Program other = shop.start_evd("other");
  // The first four of a node's attempts stay, so that the other has to take part.
  shop.hold();
  const Ids ids = shop.emit(200);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 8; }));
  shop.release();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(DaemonTakeover, OneThatIsFrozenIsTakenOverAndDoesNoHarmWhenItWakes) {
  const Program frozen = shop.start_evd();
  shop.hold();
  Ids ids = shop.emit(50);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 4; }));
  frozen->signal(SIGSTOP);
  const Ids more = shop.emit(50);
  ids.insert(ids.end(), more.begin(), more.end());
  const Program other = shop.start_evd("other");
  shop.release();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.number("select count(*) from evd.node where fenced_at is not null"), 1);
  frozen->signal(SIGCONT);
  EXPECT_TRUE(frozen->wait_for_output("joins again"));
  ASSERT_TRUE(eventually(
      [&] { return shop.number("select count(*) from evd.node where fenced_at is null") == 2; }));
  const Ids last = shop.emit(20);
  ids.insert(ids.end(), last.begin(), last.end());
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  const Tally lottery = shop.exec_tally(ids);
  EXPECT_EQ(lottery.lost, 0);
  EXPECT_LE(lottery.repeated, 4);  // those that ran when it froze
}

TEST_F(DaemonTakeover, AHandlerHostedElsewhereWaitsForANodeThatHostsIt) {
  Settings settings = shop.settings();
  settings["daemon"]["hosts"] = R"(["giveCoupon"])";
  shop.write_config(settings);
  const Program one = shop.start_evd();
  Ids ids = shop.emit(20);
  ASSERT_TRUE(eventually([&] { return shop.number("select count(*) from shop.coupon") == 20; }));
  ASSERT_TRUE(eventually([&] { return shop.number("select count(*) from evd.window_part") > 0; }));
  EXPECT_EQ(shop.count("start"), 0);
  settings = shop.settings("other");
  settings["daemon"]["hosts"] = R"(["lottery"])";
  shop.write_config(settings, "other");
  const Program other = shop.start_evd("other");
  const Ids more = shop.emit(20);
  ids.insert(ids.end(), more.begin(), more.end());
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

}  // namespace
}  // namespace evd::test
