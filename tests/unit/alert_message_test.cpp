#include <gtest/gtest.h>

#include "common/alert/alert.hpp"
#include "common/alert/channel.hpp"
#include "common/alert/slack_channel.hpp"
#include "common/logging/recording_logger.hpp"

namespace evd::alert {
namespace {

Alert escalation() {
  Alert alert;
  alert.id = "A17";
  alert.instance = "shop";
  alert.kind = "escalated";
  alert.event_name = "purchased";
  alert.handler = "lottery";
  alert.owner = "growth";
  alert.runbook = "https://wiki.example/lottery";
  alert.count = 2;
  alert.event_ids = {42, 43};
  alert.examples = {{42, 10, "boom", "2026-01-01T00:00:00Z", std::nullopt}};
  alert.attempts = 10;
  alert.last_error = "boom";
  alert.first_at = "2026-01-01T00:00:00Z";
  alert.last_at = "2026-01-01T00:00:09Z";
  return alert;
}

TEST(AlertText, SaysWhatWhereHowOftenAndWhatToDo) {
  const std::string text = escalation().text();
  for (const char* part :
       {"[shop] escalated: purchased/lottery, 2 events (A17)\n", "events: 42 43\n",
        "attempts: 10\n", "last error: boom\n", "first: 2026-01-01T00:00:00Z\n",
        "last: 2026-01-01T00:00:09Z\n", "owner: growth\n",
        "runbook: https://wiki.example/lottery\n", "example: event 42, attempt 10: boom\n",
        "run again: evctl re-emit 42 43 --handler lottery\n"}) {
    EXPECT_NE(text.find(part), text.npos) << part << "in\n" << text;
  }
}

TEST(AlertText, NamesTheAlertWhenTheIdsAreTooMany) {
  Alert alert = escalation();
  alert.count = 1000;
  EXPECT_EQ(alert.command(),
            "evctl re-emit --status escalated --event purchased --handler lottery");
  EXPECT_NE(alert.details().find("events: 42 43 and 998 more\n"), std::string::npos);
}

TEST(AlertText, HasNoCommandWhereNothingIsToBeRun) {
  Alert recovered = escalation();
  recovered.kind = "recovered";
  EXPECT_EQ(recovered.command(), "");
  Alert node;
  node.kind = "node_lost";
  EXPECT_EQ(node.command(), "");
  EXPECT_EQ(node.headline(), "node_lost");
}

TEST(AlertText, QuotesWhatTheShellWouldRead) {
  Alert alert = escalation();
  alert.handler = "x; rm -rf /";
  EXPECT_EQ(alert.command(), "evctl re-emit 42 43 --handler 'x; rm -rf /'");
}

TEST(AlertText, NeverHasArgsThatWereNotAskedFor) {
  Alert alert = escalation();
  EXPECT_FALSE(to_json(alert)["examples"][0].contains("args"));
  alert.examples[0].args = "[\"user A\"]";
  EXPECT_EQ(to_json(alert)["examples"][0]["args"], "[\"user A\"]");
  EXPECT_NE(alert.text().find("args [\"user A\"]"), std::string::npos);
}

TEST(AlertJson, IsReadBackAsItWas) {
  Alert alert = escalation();
  alert.recovers = {"A3"};
  EXPECT_EQ(to_json(parse_alert(to_json(alert).dump())), to_json(alert));
}

TEST(AlertJson, KeepsItsIdWhenItIsPostedAgain) {
  EXPECT_EQ(escalation().message_id(), "shop:A17");
  Alert other = escalation();
  other.instance = "";
  EXPECT_EQ(other.message_id(), "evd:A17");
}

TEST(SlackText, EscapesMarkupAndCallsNobody) {
  EXPECT_EQ(escape_slack("a<b>&c", 100), "a&lt;b&gt;&amp;c");
  const std::string called = escape_slack("<!channel> @here", 100);
  EXPECT_EQ(called.find("<!"), called.npos);
  EXPECT_EQ(called.find("@here"), called.npos);
}

TEST(SlackText, IsNeverCutInsideACharacterOrAnEscape) {
  EXPECT_EQ(escape_slack("ab&", 6), "ab");
  EXPECT_EQ(escape_slack("ab&", 7), "ab&amp;");
  EXPECT_EQ(escape_slack("aé", 2), "a");
  EXPECT_EQ(escape_slack("aé", 3), "aé");
}

TEST(SlackMessage, HasTextAndBoundedBlocks) {
  Alert alert = escalation();
  alert.last_error = std::string(100'000, '&');
  alert.event_ids.assign(100, 9'000'000'000'000'000'000);
  alert.count = 100;
  const auto message = slack_message(alert);
  EXPECT_EQ(message["text"], "[shop] escalated: purchased/lottery, 100 events (A17)");
  ASSERT_EQ(message["blocks"].size(), 2U);
  for (const auto& block : message["blocks"]) {
    EXPECT_EQ(block["type"], "section");
    EXPECT_LE(block["text"]["text"].get<std::string>().size(), 3'000U);
  }
  EXPECT_NO_THROW(message.dump());
}

TEST(SlackMessage, SurvivesErrorsThatAreNotText) {
  Alert alert = escalation();
  alert.last_error = "\xff\xfe broken";
  EXPECT_NO_THROW(slack_message(alert).dump());
}

TEST(MakeChannels, HasOneForEachNameAndTheLog) {
  logging::RecordingLogger logger;
  Config config;
  for (const auto kind : {ChannelKind::k_slack, ChannelKind::k_webhook, ChannelKind::k_exec}) {
    ChannelConfig channel;
    channel.name = to_string(kind);
    channel.kind = kind;
    config.channels[channel.name] = channel;
  }
  const auto channels = make_channels(config, logger);
  ASSERT_EQ(channels.size(), 4U);
  for (const auto& [name, channel] : channels) EXPECT_EQ(channel->name(), name);
  EXPECT_TRUE(logger.entries().empty());
}

TEST(LogChannel, SaysTroubleAsAnErrorAndItsEndAsInformation) {
  logging::RecordingLogger logger;
  const auto channels = make_channels({}, logger);
  auto& log = *channels.at(std::string(k_log_channel));
  EXPECT_EQ(log.send(escalation()), std::nullopt);
  EXPECT_TRUE(logger.contains(logging::Level::k_error, "alert=A17"));
  Alert recovered = escalation();
  recovered.kind = "recovered";
  log.send(recovered);
  EXPECT_TRUE(logger.contains(logging::Level::k_info, "kind=recovered"));
}

}  // namespace
}  // namespace evd::alert
