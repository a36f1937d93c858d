// What a person does about many failures at once: those with one cause, one of them first, and no
// more once it fails again.
#include <gmock/gmock.h>

#include "tests/e2e/evctl_fixture.hpp"
#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Failures of giveCoupon with two causes: events 1, 2 and 4, and event 3.
class EvctlTriage : public InstalledEvctl {
 protected:
  void SetUp() override {
    InstalledEvctl::SetUp();
    for (const char* error : {"timeout after 1003 ms", "timeout after 7 ms", "no such user 'a7'",
                              "timeout after 998 ms"}) {
      emit();
      take_all("failed", error);
    }
  }

  std::string escalated() const {
    auto connection = database_.connect();
    return value(connection,
                 "select string_agg(event_id::text, ' ' order by event_id) from evd.delivery"
                 " where state = 'escalated'");
  }
};

TEST_F(EvctlTriage, LikeMeansWhatFailedWithTheSameError) {
  const auto trial = evctl({"re-emit", "--like", "2", "--dry-run"});
  EXPECT_THAT(trial.out, HasSubstr("3 would be re-emitted of 3 events")) << trial.err;
  EXPECT_EQ(escalated(), "1 2 3 4");
  EXPECT_EQ(parse(evctl({"re-emit", "--like", "2", "--yes", "--json"})).at("re_emitted"), 3);
  EXPECT_EQ(escalated(), "3");
}

TEST_F(EvctlTriage, LikeGoesWithTheOtherFilters) {
  EXPECT_EQ(evctl({"re-emit", "--like", "2", "--event", "sold", "--yes"}).exit, 0);
  EXPECT_EQ(escalated(), "1 2 3 4");
  EXPECT_EQ(
      evctl({"re-emit", "--like", "2", "--status", "escalated", "--handler", "giveCoupon", "--yes"})
          .exit,
      0);
  EXPECT_EQ(escalated(), "3");
}

TEST_F(EvctlTriage, LikeNeedsAnEventThatFailed) {
  const auto other = evctl({"re-emit", "--like", "2", "--handler", "lottery", "--yes"});
  EXPECT_EQ(other.exit, 1);
  EXPECT_THAT(other.err, HasSubstr("event 2 has nothing that failed"));
  EXPECT_EQ(evctl({"re-emit", "--like", "77", "--yes"}).exit, 1);
  EXPECT_EQ(evctl({"re-emit", "--like", "A1", "--yes"}).exit, 2);
  EXPECT_EQ(evctl({"re-emit", "1", "--like", "2"}).exit, 2);
  EXPECT_EQ(escalated(), "1 2 3 4");
}

TEST_F(EvctlTriage, ResolvesWhatAFilterMeans) {
  const std::vector<std::string> all{"resolve", "--like", "1", "--why", "sent by hand"};
  const auto with = [&](const char* flag) {
    std::vector<std::string> args = all;
    args.emplace_back(flag);
    return evctl(args);
  };
  const auto refused = evctl(all);
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("the filter means 3 events: add --yes to resolve them"));
  EXPECT_THAT(with("--dry-run").out, HasSubstr("3 would be resolved of 3 events"));
  EXPECT_EQ(escalated(), "1 2 3 4");
  EXPECT_THAT(with("--yes").out, HasSubstr("3 resolved of 3 events"));
  EXPECT_EQ(escalated(), "3");
  EXPECT_THAT(evctl({"show", "4"}).out, HasSubstr("sent by hand"));
  EXPECT_EQ(evctl({"resolve", "--why", "x"}).exit, 2);
  EXPECT_EQ(evctl({"resolve", "--status", "escalated", "--why", "x", "--yes"}).exit, 2)
      << "of which handler, it does not say";
}

// A shop whose lottery has failed for good on five events.
class Triage : public DaemonTest {
 protected:
  void SetUp() override {
    Settings settings = shop.settings();
    settings["defaults"]["max_attempts"] = "1";
    settings["recovery"]["node_timeout"] = "\"10s\"";
    shop.write_config(settings);
    evd_ = shop.start_evd();
  }

  void fail_all(const Ids& ids) {
    ASSERT_TRUE(eventually([&] {
      return shop.number("select count(*) from evd.delivery where state = 'escalated'") ==
             static_cast<int>(ids.size());
    }));
  }

  RunResult evctl(std::vector<std::string> args) const {
    args.insert(args.begin(), {evd_binary("evctl"), "--config", shop.config_path()});
    return run(std::move(args));
  }

  Program evd_;
};

TEST_F(Triage, ACanaryThatFailsAgainLeavesTheOthersAsTheyWere) {
  shop.fail();
  fail_all(shop.emit(5));
  const auto again = evctl({"re-emit", "--status", "escalated", "--canary", "--yes"});
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.out, HasSubstr("escalated: exit status 1")) << again.err;
  EXPECT_THAT(again.out, HasSubstr("stopped: 4 events are left as they were"));
  EXPECT_EQ(shop.count("start"), 6);
  EXPECT_EQ(shop.number("select count(*) from evd.delivery where state = 'escalated'"), 5);
}

TEST_F(Triage, ACanaryThatIsDoneLetsTheOthersFollow) {
  shop.fail();
  const Ids ids = shop.emit(5);
  fail_all(ids);
  shop.mend();
  const auto again =
      evctl({"re-emit", "--handler", "lottery", "--canary", "--yes", "--wait", "--json"});
  EXPECT_EQ(again.exit, 0) << again.err << again.out;
  EXPECT_EQ(json::parse(again.out).at("re_emitted"), 5);
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(Triage, AfterTheCanaryItStopsAtTheNextThatFailsAgain) {
  shop.value("alter function shop.give_coupon(jsonb) rename to mislaid");
  Ids ids{shop.emit_one()};
  for (int i = 0; i < 40; ++i) ids.push_back(shop.emit_one(R"({"error": true})"));
  fail_all(ids);
  shop.value("alter function shop.mislaid(jsonb) rename to give_coupon");
  const auto again =
      evctl({"re-emit", "--status", "escalated", "--canary", "--rate", "4", "--yes", "--json"});
  EXPECT_EQ(again.exit, 1) << again.err;
  const json told = json::parse(again.out);
  EXPECT_GT(told.at("left"), 0);
  EXPECT_GT(told.at("re_emitted"), 1);
  EXPECT_THAT(told.at("pairs").at(0).at("result"), HasSubstr("escalated: "));
  EXPECT_EQ(shop.value("select status from evd.events where id = $1", pg::params(ids[0])), "2");
}

TEST_F(Triage, StatusIsShownAgainAndAgainUntilItIsStopped) {
  ChildProcess watch(
      {evd_binary("evctl"), "--config", shop.config_path(), "status", "--watch=100ms"});
  ASSERT_TRUE(watch.wait_for_output("nothing is escalated"));
  shop.fail();
  fail_all(shop.emit(1));
  EXPECT_TRUE(watch.wait_for_output("exit status 1"));
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(), 128 + SIGINT);
  EXPECT_EQ(evctl({"status", "--watch=often"}).exit, 2);
}

}  // namespace
}  // namespace evd::test
