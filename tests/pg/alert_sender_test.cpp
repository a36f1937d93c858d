// Who is told through which channels, also while some fail, and by several senders.
#include <algorithm>
#include <thread>

#include "tests/support/alert_sender_fixture.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/wait.hpp"

namespace evd::alert {
namespace {

using test::recording;

class AlertSender : public AlertSenderTest {};

TEST_F(AlertSender, TellsOwnersChannelsElseTheDefaultElseTheLog) {
  raise("escalated", 1, 1, "ops");
  send();
  EXPECT_EQ(sent("slack").size(), 1U);
  EXPECT_EQ(sent("hook").size(), 1U);
  EXPECT_EQ(sent("spare").size(), 0U);
  raise("failing", 2, 2, "nobody");
  send();
  EXPECT_EQ(sent("spare").size(), 1U);
  config_.owners.clear();
  raise("stalled", 3, 3, "nobody");
  send();
  EXPECT_EQ(sent(k_log_channel).size(), 1U);
}

TEST_F(AlertSender, SendsAChannelOnlyTheKindsItWants) {
  config_.channels["hook"].kinds = {"escalated"};
  raise("failing", 1, 1, "ops");
  raise("escalated", 2, 2, "ops");
  send();
  raise("recovered", 1, 2, "ops");
  send();
  EXPECT_EQ(kinds("hook"), Kinds{"escalated"});
  auto told = kinds("slack");
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, (Kinds{"escalated", "failing", "recovered"}));
}

TEST_F(AlertSender, LogsWhatNoChannelWants) {
  config_.channels["slack"].kinds = {"escalated"};
  raise("failing", 1, 1);
  send();
  EXPECT_EQ(kinds(k_log_channel), Kinds{"failing"});
}

TEST_F(AlertSender, RetriesAChannelThatFailedAndDelaysNoOther) {
  recording(channels_, "hook").fail();
  raise("escalated", 1, 1, "ops");
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(sent("slack").size(), 1U);
  recording(channels_, "hook").fail(false);
  EXPECT_EQ(send(), 0);
  // The channel waits as a whole; the others go on.
  raise("failing", 2, 2, "ops");
  EXPECT_EQ(send(), 1);
  pass("6 s");
  EXPECT_EQ(send(), 2);
  EXPECT_EQ(sent("hook").size(), 2U);
  EXPECT_EQ(test::number(connection_, "select count(*) from evd.alert_channel"), 0);
}

TEST_F(AlertSender, WaitsLongerAfterEachFailure) {
  recording(channels_, "slack").fail();
  raise("escalated", 1, 1);
  for (int i = 0; i < 12; ++i) {
    send();
    pass("5 min");
  }
  EXPECT_EQ(test::value(connection_, "select send_attempts::text from evd.alert_group"), "12");
  EXPECT_EQ(test::value(connection_,
                        "select string_agg(extract(epoch from evd.alert_backoff(n))::int::text, "
                        "',' order by n) from generate_series(1, 8) n"),
            "5,10,20,40,80,160,300,300");
}

TEST_F(AlertSender, MakesOneMessageOfAllThatAChannelDidNotTake) {
  recording(channels_, "slack").fail();
  for (int first = 1; first <= 191; first += 10) {
    raise("escalated", first, first + 10);  // the last of them again
    send();
    pass("5 min");
  }
  connection_.query(
      "insert into evd.alert (kind, owner, error) values ('node_lost', 'growth', 'x')");
  send();
  pass("5 min");
  connection_.query(
      "insert into evd.alert (kind, owner, error) values ('node_lost', 'growth', 'y')");
  recording(channels_, "slack").fail(false);
  send();
  ASSERT_EQ(sent("slack").size(), 2U);
  const bool is_first = sent("slack")[0].kind == "escalated";
  const Alert escalated = sent("slack")[is_first ? 0 : 1], lost = sent("slack")[is_first ? 1 : 0];
  EXPECT_EQ(escalated.count, 201);
  EXPECT_EQ(escalated.event_ids.front(), 1);
  EXPECT_EQ(escalated.examples.size(), 3U);
  EXPECT_EQ(escalated.last_error, "boom 201");
  EXPECT_EQ(lost.count, 2);
  raise("recovered", 1, 201);
  send();
  EXPECT_EQ(sent("slack").back().recovers, Kinds{escalated.id});
  EXPECT_EQ(test::number(connection_, "select count(*) from evd.alert_pair"), 0);
}

TEST_F(AlertSender, TakesNoMessageThatIsBeingAddedTo) {
  raise("escalated", 1, 1);
  const std::string routes = routes_json(config_, true);
  outbox_.fold(routes, 100);
  raise("escalated", 2, 2);
  auto other = database_.connect();
  other.query("begin");
  other.query("select evd.alert_open_groups($1, array(select id from evd.alert))",
              pg::params(routes));
  EXPECT_FALSE(outbox_.take({11, "slack", {}, false}));
  other.query("rollback");
  EXPECT_TRUE(outbox_.take({11, "slack", {}, false}));
}

TEST_F(AlertSender, TellsThroughOthersThatAChannelIsAwayOnceAndItsEnd) {
  const auto fail_after = [&](const std::string& time) {
    pass(time);
    send();
    send();  // what came of it
  };
  recording(channels_, "slack").fail();
  raise("escalated", 1, 3);
  send();
  fail_after("59 min");
  EXPECT_TRUE(sent("spare").empty());
  fail_after("6 min");
  EXPECT_EQ(kinds("spare"), Kinds{"channel_away"});
  EXPECT_EQ(sent("spare")[0].handler, "(channel slack)");
  EXPECT_NE(sent("spare")[0].last_error.find("Z, and 1 message waits for it: refused"),
            std::string::npos)
      << sent("spare")[0].last_error;
  fail_after("6 min");
  fail_after("1 day");
  EXPECT_EQ(sent("spare").size(), 1U) << "once";
  recording(channels_, "slack").fail(false);
  fail_after("6 min");
  EXPECT_EQ(kinds("spare"), (Kinds{"channel_away", "recovered"}));
  EXPECT_EQ(kinds("slack"), Kinds{"escalated"});
  EXPECT_TRUE(sent("hook").empty()) << "the default owner has a channel";
  recording(channels_, "slack").fail();
  raise("failing", 4, 4);
  send();
  fail_after("61 min");
  EXPECT_EQ(kinds("spare"), (Kinds{"channel_away", "recovered", "channel_away"}));
}

TEST_F(AlertSender, TellsAllOthersOfAChannelThatIsTheOnlyOneOfTheDefaultOwner) {
  config_.owners["default"] = {"default", {"slack"}};
  config_.channels["hook"].kinds = {"escalated"};
  recording(channels_, "slack").fail();
  raise("escalated", 1, 1);
  for (const char* time : {"0 s", "61 min", "0 s"}) {
    pass(time);
    send();
  }
  EXPECT_EQ(kinds("spare"), Kinds{"channel_away"});
  EXPECT_TRUE(sent("hook").empty());
  EXPECT_TRUE(sent(k_log_channel).empty());
  EXPECT_EQ(test::value(connection_,
                        "select evd.alert_targets($1, null, 'channel_away', '(channel slack)')",
                        pg::params(R"({"channels": {"slack": {"kinds": ["*"]}}})")),
            k_log_channel);
}

TEST_F(AlertSender, ForgetsAChannelThatNoConfigurationHasAnyMore) {
  recording(channels_, "slack").fail();
  raise("escalated", 1, 1);
  for (const char* time : {"0 s", "61 min", "0 s"}) {
    pass(time);
    send();
  }
  EXPECT_EQ(kinds("spare"), Kinds{"channel_away"});
  config_.channels.erase("slack");
  use_recording_channels();
  send();
  EXPECT_TRUE(sent("spare").empty());
  pass("2 h");
  send();
  send();
  EXPECT_EQ(kinds("spare"), Kinds{"recovered"});
  EXPECT_EQ(kinds(k_log_channel), Kinds{"escalated"});
  EXPECT_EQ(test::number(connection_, "select count(*) from evd.alert_channel"), 0);
}

TEST_F(AlertSender, LetsNoMessageThatIsRefusedBlockTheRest) {
  recording(channels_, "slack").fail();
  raise("escalated", 1, 1);
  send();
  recording(channels_, "slack").fail(false);
  raise("failing", 2, 2);
  pass("6 s");
  send();
  EXPECT_EQ(kinds("slack"), (Kinds{"failing", "escalated"}));
}

TEST_F(AlertSender, NeverSendsWhatAnotherHasLeased) {
  raise("escalated", 1, 1);
  outbox_.fold(routes_json(config_, true), 100);
  const auto leased = outbox_.take({11, "slack", {}, false});
  ASSERT_TRUE(leased);
  EXPECT_EQ(send(), 0);
  EXPECT_TRUE(outbox_.sent(leased->group, 11));
  EXPECT_EQ(send(), 0);
}

TEST_F(AlertSender, SendsEachMessageOnceWhenManySendAtOnce) {
  connection_.query(
      "insert into evd.alert (kind, event_name, event_id, handler, owner) "
      "select 'escalated', 'e' || i, i, 'lottery', 'growth' from generate_series(1, 60) i");
  std::vector<std::jthread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([this] {
      auto connection = database_.connect();
      PgOutbox outbox(connection);
      Sender sender(outbox, channels_, logger_, clock_);
      // Whoever finds another one folding has nothing to do, and comes again.
      EXPECT_TRUE(test::eventually([&] {
        sender.send_due(config_);
        return sent("slack").size() >= 60;
      }));
    });
  }
  senders.clear();
  EXPECT_EQ(sent("slack").size(), 60U);
}

TEST_F(AlertSender, DoesNotLetASlowChannelDelayAnother) {
  // Comes back only after the other channel has sent.
  class SlowChannel : public Channel {
   public:
    explicit SlowChannel(test::RecordingChannel& other) : other_(other) {}
    const std::string& name() const override { return name_; }
    std::optional<std::string> send(const Alert&) override {
      if (test::eventually([this] { return !other_.sent().empty(); })) return std::nullopt;
      return "the other one was delayed";
    }

   private:
    std::string name_ = "hook";
    test::RecordingChannel& other_;
  };
  channels_["hook"] = std::make_unique<SlowChannel>(recording(channels_, "slack"));
  raise("escalated", 1, 1, "ops");
  EXPECT_EQ(send(), 2);
}

TEST_F(AlertSender, WorksWithTheRightsOfItsRole) {
  raise("escalated", 1, 1);
  connection_.query("set role evd_worker");
  EXPECT_EQ(send(), 1);
  raise("recovered", 1, 1);
  EXPECT_EQ(send(), 1);
  recording(channels_, "slack").fail();
  raise("failing", 1, 1);
  EXPECT_EQ(send(), 0);
  connection_.query("set role evd_operator");
  EXPECT_EQ(test::value(connection_, "select evd.alert_ack(1, '1 hour', 'ann')"), "t");
  EXPECT_EQ(test::value(connection_, "select evd.alert_message(1) ->> 'id'"), "A1");
}

TEST_F(AlertSender, SendsAgainWhatADeadSenderHadLeased) {
  raise("escalated", 1, 1);
  outbox_.fold(routes_json(config_, true), 100);
  const auto leased = outbox_.take({11, "slack", {}, false});
  ASSERT_TRUE(leased);
  pass("61 s");
  EXPECT_EQ(send(), 1);
  EXPECT_FALSE(outbox_.sent(leased->group, 11));
  EXPECT_FALSE(outbox_.failed(leased->group, 11, "late"));
}

TEST_F(AlertSender, TellsOfAnEndThatCameWhileItWasSending) {
  raise("escalated", 1, 1);
  outbox_.fold(routes_json(config_, true), 100);
  const auto leased = outbox_.take({11, "slack", {}, false});
  raise("recovered", 1, 1);
  EXPECT_EQ(send(), 0);
  EXPECT_TRUE(outbox_.sent(leased->group, 11));
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(kinds("slack"), Kinds{"recovered"});
}

TEST_F(AlertSender, HoldsWhatCameWhileItWasSending) {
  raise("escalated", 1, 1);
  outbox_.fold(routes_json(config_, true), 100);
  const auto leased = outbox_.take({11, "slack", {}, false});
  raise("escalated", 2, 2);
  outbox_.fold(routes_json(config_, true), 100);
  EXPECT_TRUE(outbox_.sent(leased->group, 11));
  EXPECT_EQ(send(), 0);
  pass("1 h");
  EXPECT_EQ(send(), 1);
}

TEST_F(AlertSender, LeavesAnAlertToAnotherFolder) {
  raise("escalated", 1, 1);
  auto other = database_.connect();
  other.query("begin");
  other.query("select pg_advisory_xact_lock(hashtext('evd.alert_fold'))");
  EXPECT_EQ(send(), 0);
  other.query("commit");
  EXPECT_EQ(send(), 1);
}

TEST_F(AlertSender, IsSilentWhileAPersonAskedForIt) {
  raise("escalated", 1, 1);
  send();
  EXPECT_EQ(test::value(connection_, "select evd.alert_ack(1, '3 hours', 'ann')"), "t");
  raise("escalated", 2, 2);
  send();
  pass("2 h");
  EXPECT_EQ(send(), 0);
  pass("1 h");
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(test::value(connection_, "select actor from evd.action where action = 'ack'"), "ann");
  EXPECT_EQ(test::value(connection_, "select evd.alert_ack(999, '3 hours', 'ann')"), "f");
}

TEST_F(AlertSender, LogsWhatWaitsForAChannelThatIsGone) {
  raise("escalated", 1, 1);
  outbox_.fold(routes_json(config_, true), 100);
  config_.channels.erase("slack");
  use_recording_channels();
  EXPECT_EQ(send(), 0);
  pass("61 min");
  EXPECT_EQ(send(), 1);
  EXPECT_EQ(kinds(k_log_channel), Kinds{"escalated"});
}

TEST_F(AlertSender, ForgetsWhatIsOver) {
  raise("escalated", 1, 2);
  send();
  raise("recovered", 1, 2);
  send();
  raise("failing", 3, 3);
  send();
  pass("2 h");
  connection_.query("update evd.alert_group set last_at = last_at - interval '31 days'");
  EXPECT_EQ(test::value(connection_, "select evd.prune(now() - interval '30 days', 100)"), "2");
  EXPECT_EQ(test::value(connection_, "select string_agg(kind, ',') from evd.alert_group"),
            "failing");
}

TEST_F(AlertSender, SendsArgsOnlyToChannelsThatAskForThem) {
  config_.channels["hook"].include_args = true;
  test::make_route(connection_, "purchased", {"lottery"});
  const auto id = test::number(connection_, R"(select evd.emit('purchased', '["user A", 5000]'))");
  connection_.query(
      "insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, state, "
      "max_attempts, deadline_at) select id, 'lottery', xid, created_at, route_id, 'escalated', 1, "
      "now() from evd.event where id = $1",
      pg::params(id));
  connection_.query(
      "insert into evd.alert (kind, event_name, event_id, handler, owner) values "
      "('escalated', 'purchased', $1, 'lottery', 'ops')",
      pg::params(id));
  send();
  EXPECT_EQ(sent("hook").at(0).examples.at(0).args, R"(["user A", 5000])");
  EXPECT_EQ(sent("slack").at(0).examples.at(0).args, std::nullopt);
}

TEST_F(AlertSender, PostsOverHttpAndTriesAgain) {
  test::HttpServer server;
  server.script({{503, "busy"}, {200, "ok"}, {200, "ok"}});
  config_.channels["slack"].kind = ChannelKind::k_slack;
  config_.channels["slack"].target.url = server.url("/services/T0/B0/secretsecret");
  channels_ = make_channels(config_, logger_);
  raise("escalated", 1, 1000);
  EXPECT_EQ(send(), 0);
  EXPECT_TRUE(logger_.contains(logging::Level::k_warn, "127.0.0.1 answered 503: busy"));
  pass("6 s");
  EXPECT_EQ(send(), 1);
  raise("recovered", 1, 1000);
  EXPECT_EQ(send(), 1);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[1].body, requests[0].body);
  EXPECT_NE(requests[1].body.find("escalated: purchased/lottery, 1000 events (A1)"),
            std::string::npos);
  EXPECT_NE(requests[2].body.find("recovered: purchased/lottery"), std::string::npos);
}

}  // namespace
}  // namespace evd::alert
