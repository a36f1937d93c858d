// What becomes one message, and how often it is told.
#include "tests/support/alert_sender_fixture.hpp"

namespace evd::alert {
namespace {

class AlertFolding : public AlertSenderTest {};

TEST_F(AlertFolding, MakesOneMessageOfAThousandEscalations) {
  raise("escalated", 1, 1000);
  EXPECT_EQ(send(), 1);
  ASSERT_EQ(sent("slack").size(), 1U);
  const Alert alert = sent("slack")[0];
  EXPECT_EQ(alert.id, "A1");
  EXPECT_EQ(alert.kind, "escalated");
  EXPECT_EQ(alert.event_name, "purchased");
  EXPECT_EQ(alert.handler, "lottery");
  EXPECT_EQ(alert.owner, "growth");
  EXPECT_EQ(alert.count, 1000);
  EXPECT_EQ(alert.attempts, 10);
  EXPECT_EQ(alert.last_error, "boom 1000");
  EXPECT_EQ(alert.event_ids.size(), 100U);
  ASSERT_EQ(alert.examples.size(), 3U);
  EXPECT_EQ(alert.examples[0].error, "boom 1");
  EXPECT_EQ(test::number(connection_, "select count(*) from evd.alert"), 0);
  EXPECT_EQ(send(), 0);
}

TEST_F(AlertFolding, TellsAChannelThatForgetsAgainWhileItIsUnresolved) {
  const auto again = [&] { return outbox_.refresh("slack", std::chrono::minutes{2}); };
  raise("escalated", 1, 2);
  EXPECT_EQ(send(), 1);
  EXPECT_TRUE(again().empty()) << "it was told just now";
  pass("3 minutes");
  ASSERT_EQ(outbox_.refresh("slack", std::chrono::minutes{2}).size(), 1U);
  EXPECT_TRUE(again().empty()) << "or just now again, by whoever asked first";
  connection_.query("update evd.alert_group set refreshed_at = now() - interval '3 minutes'");
  ASSERT_EQ(again().size(), 1U);
  connection_.query(
      "insert into evd.alert (kind, event_id, handler) values ('recovered', 1, 'lottery'),"
      " ('recovered', 2, 'lottery')");
  send();
  connection_.query("update evd.alert_group set refreshed_at = now() - interval '3 minutes'");
  EXPECT_TRUE(again().empty());
}

TEST_F(AlertFolding, NamesTheMostFrequentCauses) {
  connection_.query(
      "insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, state,"
      " max_attempts, deadline_at, last_error)"
      " select i, 'lottery', '1', now(), 1, 'escalated', 1, now(),"
      " case when i <= 5 then 'timeout crm.example after ' || i || ' ms' when i <= 8 then"
      " 'no user \"u' || i || '\"' else 'out of luck' end from generate_series(1, 9) i");
  raise("escalated", 1, 9);
  send();
  const Alert alert = sent("slack").at(0);
  EXPECT_NE(alert.text().find("cause: 5 × timeout crm.example after # ms\n"
                              "cause: 3 × no user \"…\"\n"
                              "cause: 1 × out of luck\n"),
            std::string::npos)
      << alert.text();
  EXPECT_EQ(to_json(alert).at("causes").size(), 3U);
}

TEST_F(AlertFolding, RemindsOfWhatStaysUnresolved) {
  raise("escalated", 1, 3);
  send();
  pass("59 minutes");
  send();
  ASSERT_EQ(sent("slack").size(), 1U);
  pass("2 minutes");
  send();
  send();
  ASSERT_EQ(sent("slack").size(), 2U) << "once";
  EXPECT_EQ(sent("slack")[1].headline(),
            "[test] still escalated: purchased/lottery, 3 unresolved (A1)");
  EXPECT_NE(sent("slack")[1].message_id(), sent("slack")[0].message_id());
  raise("recovered", 1, 2);
  send();
  pass("61 minutes");
  send();
  ASSERT_EQ(sent("slack").size(), 3U);
  EXPECT_EQ(sent("slack")[2].unresolved, 1);
  raise("recovered", 3, 3);
  send();
  EXPECT_EQ(sent("slack").back().kind, "recovered");
  pass("3 hours");
  send();
  EXPECT_EQ(sent("slack").size(), 4U);
}

TEST_F(AlertFolding, RemindsOnceOfAllThatWasToldAboutTheSame) {
  raise("escalated", 1, 2);
  send();
  raise("escalated", 3, 5);
  pass("61 minutes");
  send();
  ASSERT_EQ(sent("slack").size(), 2U) << "more to tell is no time for a reminder";
  EXPECT_EQ(sent("slack")[1].count, 3);
  pass("61 minutes");
  send();
  ASSERT_EQ(sent("slack").size(), 3U);
  EXPECT_EQ(sent("slack")[2].unresolved, 5);
}

TEST_F(AlertFolding, RemindsNobodyWhoAskedForSilenceNorOfWhatIsStillTried) {
  raise("failing", 7, 7);
  raise("escalated", 1, 1);
  send();
  ASSERT_EQ(sent("slack").size(), 2U);
  const std::string escalated = sent("slack")[sent("slack")[0].kind == "escalated" ? 0 : 1].id;
  connection_.query("select evd.alert_ack($1, '5 hours', 'me')", pg::params(escalated.substr(1)));
  pass("4 hours");
  send();
  EXPECT_EQ(sent("slack").size(), 2U);
  pass("61 minutes");
  send();
  ASSERT_EQ(sent("slack").size(), 3U);
  EXPECT_EQ(sent("slack")[2].kind, "escalated");
}

TEST_F(AlertFolding, KeepsKindsEventsAndHandlersApart) {
  raise("escalated", 1, 2);
  raise("failing", 3, 4);
  connection_.query(
      "insert into evd.alert (kind, event_name, event_id, handler, owner) values "
      "('escalated', 'refunded', 5, 'lottery', 'growth'), "
      "('escalated', 'purchased', 6, 'coupon', 'growth'), ('node_lost', null, null, null, "
      "'growth')");
  EXPECT_EQ(send(), 5);
}

TEST_F(AlertFolding, WaitsForTheGroupUnlessToldOtherwise) {
  config_.channels["slack"].group_wait = Milliseconds{10'000};
  raise("escalated", 1, 1);
  EXPECT_EQ(send(), 0);
  raise("escalated", 2, 2);
  pass("10 s");
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(sent("slack")[0].count, 2);
  raise("failing", 3, 3);
  EXPECT_EQ(send({.wait_for_group = false}), 1);
}

TEST_F(AlertFolding, CountsAPairOnceHoweverOftenItFailed) {
  raise("escalated", 7, 7);
  raise("escalated", 7, 7);
  send();
  EXPECT_EQ(sent("slack")[0].count, 1);
  EXPECT_EQ(sent("slack")[0].examples.size(), 1U);
}

TEST_F(AlertFolding, CollectsWhatFollowsUntilRepeatHasPassed) {
  raise("escalated", 1, 1);
  send();
  raise("escalated", 2, 500);
  EXPECT_EQ(send(), 0);
  pass("59 min");
  EXPECT_EQ(send(), 0);
  pass("1 min");
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(sent("slack").back().count, 499);
}

TEST_F(AlertFolding, TellsOfANewFailureAtOnceWhenTheOldOneIsOver) {
  raise("escalated", 1, 1);
  send();
  raise("recovered", 1, 1);
  raise("escalated", 2, 2);
  send();
  EXPECT_EQ(sent("slack").size(), 3U);
}

TEST_F(AlertFolding, ReleasesWhatItHeldBackWhenTheOldFailureIsOver) {
  raise("escalated", 1, 1);
  send();
  raise("escalated", 2, 2);
  send();
  raise("recovered", 1, 1);
  send();
  EXPECT_EQ(sent("slack").size(), 3U);
}

}  // namespace
}  // namespace evd::alert
