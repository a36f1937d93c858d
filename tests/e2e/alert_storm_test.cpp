// Channels that are away while much goes wrong: people hear of all of it, in few messages.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/daemon_fixture.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/http_server.hpp"

namespace evd::test {
namespace {

using nlohmann::json;

// One handler, which fails for good at its first attempt. Its owner has two channels, of which one
// refuses and the other is not there; the default owner has a third.
class AlertStorm : public DaemonTest {
 protected:
  AlertStorm() {
    Settings settings = shop.settings();
    settings["recovery"]["every"] = R"("200ms")";
    settings["defaults"]["max_attempts"] = "1";
    settings["events.purchased"] = {{"handlers", R"(["crm"])"}, {"owner", R"("growth")"}};
    settings.erase("handlers.lottery");
    settings.erase("handlers.giveCoupon");
    settings["handlers.crm"] = {{"http", target(crm_.url())}, {"concurrency", "16"}};
    settings["owners.growth"] = {{"alerts", R"(["slack", "hook"])"}};
    settings["alerts.slack"] = {{"slack", target(slack_.url())}, {"group_wait", R"("100ms")"}};
    settings["alerts.hook"] = {
        {"webhook", target("http://127.0.0.1:" + std::to_string(hook_port_) + "/")},
        {"group_wait", R"("100ms")"}};
    shop.write_config(settings);
    slack_.answer_all({500, "no_service"});
    crm_.answer_all({500, "out of order"});
  }

  static std::string target(const std::string& url) { return "{ url = \"" + url + "\" }"; }

  void open_hook() { hook_ = std::make_unique<HttpServer>(hook_port_); }

  void escalate(int count) {
    emitted_ += count;
    shop.value("select count(evd.emit('purchased', '[]')) from generate_series(1, $1::int)",
               pg::params(count));
    ASSERT_TRUE(wait_for("escalated", emitted_));
  }

  int pairs(const std::string& state) {
    return shop.number("select count(*) from evd.delivery where state = $1", pg::params(state));
  }

  bool wait_for(const std::string& state, int count) {
    return eventually(
        [&] {
          if (pairs(state) == count) return true;
          // Counting is not free, and the programs under test want the processor.
          std::this_thread::sleep_for(std::chrono::milliseconds{50});
          return false;
        },
        std::chrono::seconds{150});
  }

  // As if so much time had passed for the channels and what waits for them. The tables are locked
  // in the order in which senders do it.
  void pass(const std::string& time) {
    const std::string shift = " - interval '" + time + "'";
    shop.value(
        "do $$ begin lock table evd.alert_group, evd.alert_channel, evd.trouble in share row "
        "exclusive mode; update evd.alert_group set next_at = next_at" +
        shift + ", sent_at = sent_at" + shift + ", acked_until = acked_until" + shift +
        "; update evd.alert_channel set next_at = next_at" + shift +
        "; update evd.trouble set since = since" + shift + "; end $$");
  }

  // A pass as of cron, beside the evd that sends at the same time.
  void send() const {
    const RunResult pass = shop.evrecover();
    EXPECT_EQ(pass.exit, 0) << pass.err;
  }

  bool wait_until_failed(int times) {
    return eventually([&] {
      send();
      return shop.number("select count(*) from evd.alert_channel where failures >= $1",
                         pg::params(times)) == 2;
    });
  }

  // Until nothing waits that may be sent, be it after group_wait.
  void wait_until_told() {
    ASSERT_TRUE(eventually([&] {
      send();
      return shop.value(
                 "select not exists (select from evd.alert) and not exists (select from "
                 "evd.alert_group where state in ('open', 'sending') and next_at < now() + "
                 "interval '1 s'"
                 " and coalesce(acked_until < now(), true))") == "t";
    }));
  }

  // Pairs that a channel has been told of and that are unresolved.
  int told(const std::string& channel) {
    return shop.number(
        "select count(distinct p.event_id) from evd.alert_pair p join evd.alert_group g on g.id = "
        "p.group_id where g.channel = $1 and g.state = 'sent'",
        pg::params(channel));
  }

  static std::vector<json> taken(const HttpServer& server) {
    std::vector<json> bodies;
    for (const HttpRequest& request : server.requests()) {
      if (request.answered == 200) bodies.push_back(json::parse(request.body));
    }
    return bodies;
  }

  // What the messages of a kind say under `key`; Slack's have one text for people alone.
  std::vector<json> said(const std::string& kind, const std::string& key) const {
    std::vector<json> values;
    for (const json& message : taken(*hook_)) {
      if (message.at("kind") == kind && !message.contains("reminded_at"))
        values.push_back(message.at(key));
    }
    return values;
  }

  // How much was unresolved, by the reminders that the hook took.
  std::vector<json> reminded() const {
    std::vector<json> values;
    for (const json& message : taken(*hook_)) {
      if (message.contains("reminded_at")) values.push_back(message.at("unresolved"));
    }
    return values;
  }

  int slack_heard(const std::string& text) const {
    int found = 0;
    for (const json& message : taken(slack_))
      found += message.dump().find(text) != std::string::npos;
    return found;
  }

  void evctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {evd_binary("evctl"), "--config", shop.config_path()});
    const RunResult result = run(std::move(words));
    EXPECT_EQ(result.exit, 0) << result.err;
  }

  // Every other one by hand.
  void resolve_half() {
    const json ids = json::parse(shop.value(
        "select json_agg(event_id order by event_id) from evd.delivery where event_id % 2 = 0"));
    std::vector<std::string> words = {"resolve", "--why", "told them by telephone"};
    for (const json& id : ids) words.push_back(id.dump());
    evctl(words);
  }

  int hook_port_ = free_port();
  int emitted_ = 0;
  HttpServer crm_;
  HttpServer slack_;
  std::unique_ptr<HttpServer> hook_;
};

TEST_F(AlertStorm, LosesNoneOfTenThousandAndSendsFewMessages) {
  constexpr int k_events = 10'000, k_tries = 8;
  const Program evd = shop.start_evd();
  for (int tries = 1; tries <= k_tries; ++tries) {
    escalate(k_events / 2 / k_tries);
    ASSERT_TRUE(wait_until_failed(tries));
    pass("5 minutes");
  }
  EXPECT_TRUE(taken(slack_).empty());
  slack_.answer_all({200, "ok"});
  open_hook();
  escalate(k_events / 2);
  wait_until_told();
  pass("1 hour");
  wait_until_told();
  EXPECT_EQ(told("slack"), k_events);
  EXPECT_EQ(told("hook"), k_events);
  int counted = 0, most = 0;
  for (const json& count : said("escalated", "count")) {
    counted += count.get<int>();
    most = std::max(most, count.get<int>());
  }
  EXPECT_EQ(counted, k_events);
  EXPECT_GE(most, k_events / 2 / k_tries * (k_tries - 1)) << "what was not taken is one message";
  for (const json& examples : said("escalated", "examples")) EXPECT_LE(examples.size(), 3U);
  for (const json& message : taken(slack_)) {
    EXPECT_THAT(message.at("text"), testing::ContainsRegex("purchased/crm, [0-9]+ events"));
    EXPECT_THAT(message.dump(), testing::Not(testing::ContainsRegex("(example: .*){4}")));
    EXPECT_THAT(message.dump(), testing::ContainsRegex("(example: .*){3}"));
  }
  EXPECT_LT(taken(*hook_).size(), 10U);
  EXPECT_LT(taken(slack_).size(), 10U);
}

TEST_F(AlertStorm, TheEndGoesToTheChannelsThatWereToldOfTheTroubleWhenTheLastPairIsSettled) {
  const Program evd = shop.start_evd();
  escalate(150);
  ASSERT_TRUE(wait_until_failed(1));
  slack_.answer_all({200, "ok"});
  open_hook();
  escalate(150);
  pass("5 seconds");
  wait_until_told();
  pass("1 hour");
  wait_until_told();
  EXPECT_EQ(told("slack"), 300);
  EXPECT_EQ(told("hook"), 300);
  resolve_half();
  wait_until_told();
  EXPECT_TRUE(said("recovered", "id").empty()) << "the other half is not";
  crm_.answer_all({200, "ok"});
  evctl({"re-emit", "--status", "escalated", "--event", "purchased", "--yes"});
  EXPECT_TRUE(wait_for("done", 150));
  const auto ended = [&] {
    std::vector<json> ids;
    for (const json& some : said("recovered", "recovers"))
      ids.insert(ids.end(), some.begin(), some.end());
    return ids;
  };
  EXPECT_TRUE(eventually([&] {
    wait_until_told();
    return ended().size() == said("escalated", "id").size();
  }));
  EXPECT_THAT(ended(), testing::UnorderedElementsAreArray(said("escalated", "id")));
  EXPECT_GE(slack_heard("recovered: purchased/crm"), 1);
  EXPECT_TRUE(shop.alerts().empty()) << "who was not told of the trouble is not told of its end";
  EXPECT_EQ(shop.number("select count(*) from evd.alert_pair"), 0);
}

TEST_F(AlertStorm, AChannelThatIsAwayForAnHourIsToldThroughAnotherOnceAndSoIsItsEnd) {
  open_hook();
  const Program evd = shop.start_evd();
  escalate(3);
  const auto fail_after = [&](const std::string& time) {
    pass(time);
    wait_until_told();
  };
  wait_until_told();
  fail_after("55 minutes");
  EXPECT_FALSE(shop.alert("channel_away"));
  fail_after("6 minutes");
  ASSERT_TRUE(eventually([&] { return shop.alert("channel_away").has_value(); }));
  EXPECT_EQ(shop.alert("channel_away")->value("handler", ""), "(channel slack)");
  EXPECT_THAT(shop.alert("channel_away")->value("last_error", ""),
              testing::MatchesRegex("it has taken nothing since .*Z, and 1 message waits for it: "
                                    "127.0.0.1 answered 500: no_service"));
  fail_after("2 hours");
  fail_after("2 hours");
  slack_.answer_all({200, "ok"});
  fail_after("5 minutes");
  ASSERT_TRUE(eventually([&] { return shop.alerts().size() == 2; }));
  EXPECT_TRUE(shop.alert("recovered"));
  EXPECT_EQ(taken(slack_).size(), 1U);
  EXPECT_EQ(slack_heard("escalated: purchased/crm, 3 events"), 1);
  EXPECT_TRUE(said("channel_away", "id").empty()) << "the default owner has a channel";
}

TEST_F(AlertStorm, AnAckSilencesAGroupForItsTimeAndRepeatTellsOfMoreAfterwards) {
  open_hook();
  slack_.answer_all({200, "ok"});
  const Program evd = shop.start_evd();
  using Counts = std::vector<json>;
  const auto counts_after = [&](const std::string& time) {
    pass(time);
    wait_until_told();
    EXPECT_EQ(taken(slack_).size(), taken(*hook_).size());
    return said("escalated", "count");
  };
  escalate(2);
  EXPECT_EQ(counts_after("1 second"), (Counts{2}));
  evctl({"ack", said("escalated", "id").at(0).get<std::string>(), "--for", "3h"});
  escalate(3);
  EXPECT_EQ(counts_after("2 hours"), (Counts{2})) << "repeat has passed, but not the silence";
  EXPECT_EQ(counts_after("61 minutes"), (Counts{2, 3}));
  escalate(1);
  EXPECT_EQ(counts_after("59 minutes"), (Counts{2, 3}));
  EXPECT_EQ(counts_after("2 minutes"), (Counts{2, 3, 1}));
  EXPECT_EQ(counts_after("61 minutes"), (Counts{2, 3, 1}));
  EXPECT_EQ(reminded(), (Counts{6})) << "one reminder of all of it";
}

}  // namespace
}  // namespace evd::test
