// alerts, ack, and an alert's id where an event's would do.
#include <gmock/gmock.h>

#include "tests/e2e/evctl_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class EvctlAlerts : public InstalledEvctl {
 protected:
  // Two pairs of giveCoupon are escalated, and the channel has taken the message.
  void SetUp() override {
    InstalledEvctl::SetUp();
    emit();
    emit();
    take_all("failed", "no coupons left");
    const std::string routes =
        R"({"owners": {"default": ["pager"]}, "channels": {"pager": {"kinds": ["*"]}}})";
    connection_.query("select evd.alert_fold($1, 100)", pg::params(routes));
    connection_.query("update evd.alert_group set state = 'sent', sent_at = now()");
  }

  pg::Connection connection_ = database_.connect();
};

TEST_F(EvctlAlerts, ListsWhatIsUnresolved) {
  const auto listed = evctl({"alerts"});
  EXPECT_EQ(listed.exit, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("A1"));
  EXPECT_THAT(listed.out, HasSubstr("purchased/giveCoupon"));
  EXPECT_THAT(listed.out, HasSubstr("no coupons left"));
  const auto alert = parse(evctl({"--json", "alerts"}));
  EXPECT_EQ(alert["pending"], 2);
  EXPECT_EQ(alert["state"], "sent");
  EXPECT_EQ(evctl({"resolve", "1", "2", "--why", "by hand"}).exit, 0);
  const std::string routes =
      R"({"owners": {"default": ["pager"]}, "channels": {"pager": {"kinds": ["escalated"]}}})";
  connection_.query("select evd.alert_fold($1, 100)", pg::params(routes));
  EXPECT_THAT(evctl({"alerts"}).out, Not(HasSubstr("A1 ")));
  EXPECT_THAT(evctl({"alerts", "--all"}).out, HasSubstr("settled"));
}

TEST_F(EvctlAlerts, ShowsOneWhole) {
  const auto shown = evctl({"show", "A1"});
  EXPECT_EQ(shown.exit, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("[shop-test] escalated: purchased/giveCoupon, 2 events (A1)"));
  EXPECT_THAT(shown.out, HasSubstr("no coupons left"));
  EXPECT_THAT(shown.out, HasSubstr("unresolved  2"));
  EXPECT_THAT(shown.out, HasSubstr("evctl re-emit 1 2 --handler giveCoupon"));
  const auto missing = evctl({"show", "A99"});
  EXPECT_EQ(missing.exit, 1);
  EXPECT_EQ(missing.err, "evctl: no such alert: A99\n");
}

TEST_F(EvctlAlerts, AckSilencesAndKeepsWhoDidIt) {
  const auto acked = evctl({"ack", "A1", "--for", "2h"});
  EXPECT_EQ(acked.exit, 0) << acked.err;
  EXPECT_THAT(evctl({"alerts"}).out, HasSubstr("acknowledged"));
  EXPECT_EQ(value(connection_, "select why from evd.action where action = 'ack'"),
            "A1 for 02:00:00");
  EXPECT_EQ(evctl({"ack", "A7"}).exit, 1);
  EXPECT_EQ(evctl({"ack", "17"}).exit, 2);
  EXPECT_EQ(evctl({"ack", "A1", "--for", "soon"}).exit, 2);
}

TEST_F(EvctlAlerts, ReEmitTakesAnAlert) {
  const auto again = evctl({"re-emit", "A1"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(
      rows(connection_, "select event_id, handler, state from evd.delivery order by event_id"),
      "1|giveCoupon|waiting\n2|giveCoupon|waiting");
  EXPECT_EQ(evctl({"re-emit", "A99"}).exit, 1);
}

TEST_F(EvctlAlerts, StatusTellsWhatIsWrongAsAWholeAndHowLongRecoveryTook) {
  connection_.query(
      "select evd.note_trouble('config_drift', '(evd on web)', 'event \"x\" differs')");
  connection_.query(
      "update evd.delivery set state = 'done', run = 2, node_id = null,"
      " ended_at = (select min(ended_at) from evd.attempt) + interval '90 seconds' where event_id "
      "= 1");
  const auto status = evctl({"status"});
  EXPECT_EQ(status.exit, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("trouble    config_drift (evd on web) since "));
  EXPECT_THAT(status.out, HasSubstr("event \"x\" differs"));
  EXPECT_THAT(status.out, testing::ContainsRegex("giveCoupon +1 +90s"));
}

}  // namespace
}  // namespace evd::test
