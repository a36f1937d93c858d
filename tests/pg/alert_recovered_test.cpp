// Who is told of the end of what they were told of.
#include "tests/support/alert_sender_fixture.hpp"

namespace evd::alert {
namespace {

using test::recording;

class AlertRecovered : public AlertSenderTest {};

TEST_F(AlertRecovered, TellsOfTheEndOnlyWhenTheLastPairIsSettled) {
  raise("escalated", 1, 3);
  send();
  raise("recovered", 1, 2);
  EXPECT_EQ(send(), 0);
  raise("recovered", 3, 3);
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(kinds("slack"), (Kinds{"escalated", "recovered"}));
  EXPECT_EQ(sent("slack")[1].recovers, Kinds{"A1"});
  EXPECT_EQ(sent("slack")[1].count, 3);
  EXPECT_EQ(test::number(connection_, "select count(*) from evd.alert_pair"), 0);
}

TEST_F(AlertRecovered, TellsOfTheEndExactlyWhereItToldOfTheTrouble) {
  raise("escalated", 1, 1, "ops");
  send();
  // The routes changed since: the default owner's channel hears now, but was told nothing.
  config_.owners.erase("ops");
  raise("recovered", 1, 1, "ops");
  EXPECT_EQ(send(), 2);
  EXPECT_EQ(kinds("slack"), (Kinds{"escalated", "recovered"}));
  EXPECT_EQ(kinds("hook"), (Kinds{"escalated", "recovered"}));
  EXPECT_TRUE(sent("spare").empty());
}

TEST_F(AlertRecovered, DropsBothWhenTheTroubleWasNeverTold) {
  recording(channels_, "hook").fail();
  raise("escalated", 1, 1, "ops");
  send();
  recording(channels_, "hook").fail(false);
  raise("recovered", 1, 1, "ops");
  pass("1 day");
  send();
  EXPECT_EQ(kinds("slack"), (Kinds{"escalated", "recovered"}));
  EXPECT_TRUE(sent("hook").empty());
}

TEST_F(AlertRecovered, TellsOnlyOfWhatIsStillUnresolved) {
  config_.channels["slack"].group_wait = Milliseconds{10'000};
  raise("escalated", 1, 150);
  send();
  raise("recovered", 1, 149);
  pass("10 s");
  send();
  ASSERT_EQ(sent("slack").size(), 1U);
  EXPECT_EQ(sent("slack")[0].count, 1);
  EXPECT_EQ(sent("slack")[0].event_ids, std::vector<std::int64_t>{150});
}

TEST_F(AlertRecovered, OwesNoEndToWhatNamesNoPair) {
  connection_.query(
      "insert into evd.alert (kind, owner, error) values ('config_drift', 'growth', 'a key')");
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(send(), 0);
  EXPECT_EQ(kinds("slack"), Kinds{"config_drift"});
}

TEST_F(AlertRecovered, TellsOfTheEndOfWhatItToldOfAHandlerAsAWhole) {
  const auto raise_whole = [&](const std::string& kind, const std::string& handler) {
    connection_.query(
        "insert into evd.alert (kind, handler, owner, error) values ($1, $2, 'growth', 'refused')",
        pg::params(kind, handler));
  };
  raise_whole("stalled", "lottery");
  raise_whole("stalled", "lottery");
  raise_whole("stalled", "giveCoupon");
  raise("stalled", 7, 7);
  EXPECT_EQ(send(), 3);
  raise_whole("recovered", "lottery");
  EXPECT_EQ(send(), 1);
  const Alert& recovered = sent("slack").back();
  EXPECT_EQ(recovered.kind, "recovered");
  EXPECT_EQ(recovered.handler, "lottery");
  EXPECT_EQ(recovered.event_name, "");
  EXPECT_TRUE(recovered.event_ids.empty());
  EXPECT_EQ(send(), 0);
}

TEST_F(AlertRecovered, TellsOfTheEndOfSeveralKindsAtOnce) {
  raise("failing", 1, 1);
  send();
  raise("escalated", 1, 1);
  send();
  raise("recovered", 1, 1);
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(sent("slack").back().recovers, (Kinds{"A1", "A2"}));
}

TEST_F(AlertRecovered, ReadsTroubleRecoveryAndTroubleInTheirOrder) {
  raise("escalated", 1, 1);
  raise("recovered", 1, 1);
  raise("escalated", 1, 1);
  send();
  EXPECT_EQ(kinds("slack"), Kinds{"escalated"});
  EXPECT_EQ(test::number(connection_, "select count(*) from evd.alert_pair"), 1);
}

}  // namespace
}  // namespace evd::alert
