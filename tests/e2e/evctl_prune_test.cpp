// prune: retention by hand.
#include <gmock/gmock.h>

#include "tests/e2e/evctl_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;

// With two days of January 2020 in the log; in one of them a pair is unresolved.
class EvctlPrune : public InstalledEvctl {
 protected:
  void SetUp() override {
    InstalledEvctl::SetUp();
    connection_.run_script(R"(
update evd.event_window set floor = '2019-12-01';
create table evd.event_20200101 (like evd.event including defaults including constraints);
create table evd.event_20200102 (like evd.event including defaults including constraints);
alter table evd.event_20200101 owner to evd_owner;
alter table evd.event_20200102 owner to evd_owner;
alter table evd.event attach partition evd.event_20200101 for values from ('2020-01-01Z') to ('2020-01-02Z');
alter table evd.event attach partition evd.event_20200102 for values from ('2020-01-02Z') to ('2020-01-03Z');
insert into evd.event (route_id, created_at) select id, '2020-01-01 10:00Z' from evd.route where is_current)");
    take_all("failed", "no coupons left");
    connection_.run_script(R"(
update evd.event_window set floor = '2019-12-01', at = '2019-12-03';
insert into evd.event (route_id, created_at) select id, '2020-01-02 10:00Z' from evd.route where is_current)");
    take_all("queued", "");
    connection_.query("update evd.delivery set state = 'done' where event_id = 2");
  }

  pg::Connection connection_ = database_.connect();
};

TEST_F(EvctlPrune, DropsWhatIsOverAndSaysWhyItKeepsTheRest) {
  const auto foreseen = evctl({"prune", "--dry-run"});
  EXPECT_EQ(foreseen.exit, 0) << foreseen.err;
  EXPECT_THAT(foreseen.out, HasSubstr("event_20200102  would go"));
  EXPECT_THAT(foreseen.out, HasSubstr("event_20200101  kept"));
  EXPECT_EQ(number(connection_, "select count(*) from evd.event"), 2);

  const auto pruned = parse(evctl({"--json", "prune"}));
  EXPECT_EQ(pruned["dropped"], nlohmann::json::array({"event_20200102"}));
  EXPECT_EQ(pruned["kept"][0]["partition"], "event_20200101");
  EXPECT_THAT(pruned["kept"][0]["why"].get<std::string>(), HasSubstr("unresolved"));
  EXPECT_EQ(rows(connection_, "select id, state from evd.events"), "1|escalated");

  EXPECT_EQ(evctl({"resolve", "1", "--why", "sent by hand"}).exit, 0);
  EXPECT_THAT(evctl({"prune"}).out, HasSubstr("event_20200101  dropped"));
  EXPECT_EQ(number(connection_, "select count(*) from evd.event"), 0);
  EXPECT_EQ(evctl({"audit"}).exit, 0);
  EXPECT_EQ(evctl({"audit", "--full"}).exit, 0);
}

TEST_F(EvctlPrune, TakesHowOldFromTheFlagOrTheFile) {
  EXPECT_THAT(evctl({"prune", "--dry-run", "--older-than", "90000d"}).out,
              HasSubstr("no partition is that old"));
  const auto file = config("[recovery]\nretention = \"90000d\"\n");
  EXPECT_THAT(run_bare({"--config", file, "prune", "--dry-run"}).out,
              HasSubstr("no partition is that old"));
  const auto refused = evctl({"prune", "--older-than", "soon"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("--older-than: soon is not a duration"));
}

}  // namespace
}  // namespace evd::test
