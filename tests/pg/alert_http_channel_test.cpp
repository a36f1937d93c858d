// Channels that post over HTTP, against a real server.
#include <gtest/gtest.h>

#include "common/alert/http_client.hpp"
#include "common/alert/slack_channel.hpp"
#include "common/alert/webhook_channel.hpp"
#include "common/base/webhook_signature.hpp"
#include "tests/support/http_server.hpp"

namespace evd::alert {
namespace {

Alert some_alert() {
  Alert alert;
  alert.id = "A17";
  alert.instance = "shop";
  alert.kind = "escalated";
  alert.event_name = "purchased";
  alert.handler = "lottery";
  alert.event_ids = {42};
  return alert;
}

class HttpChannel : public testing::Test {
 protected:
  test::HttpServer server_;
};

TEST_F(HttpChannel, PostsSignedJsonToAWebhook) {
  ChannelConfig config;
  config.name = "hook";
  config.target.url = server_.url("/evd");
  config.target.secrets = {"first", "second"};
  EXPECT_EQ(WebhookChannel(config).send(some_alert()), std::nullopt);
  ASSERT_EQ(server_.requests().size(), 1U);
  const auto request = server_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/evd");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.headers.at("webhook-id"), "shop:A17");
  const auto timestamp = std::stoll(request.headers.at("webhook-timestamp"));
  EXPECT_EQ(request.headers.at("webhook-signature"),
            sign_webhook("first", "shop:A17", timestamp, request.body) + " " +
                sign_webhook("second", "shop:A17", timestamp, request.body));
  EXPECT_EQ(parse_alert(request.body).event_ids, std::vector<std::int64_t>{42});
}

TEST_F(HttpChannel, PostsTextAndBlocksToSlack) {
  ChannelConfig config;
  config.name = "slack";
  config.target.url = server_.url("/services/x");
  EXPECT_EQ(SlackChannel(config).send(some_alert()), std::nullopt);
  const auto body = nlohmann::json::parse(server_.requests().at(0).body);
  EXPECT_EQ(body["text"], "[shop] escalated: purchased/lottery, event 42 (A17)");
  EXPECT_TRUE(body["blocks"].is_array());
}

TEST_F(HttpChannel, FetchesAHeartbeatWithAGet) {
  EXPECT_EQ(fetch(server_.url("/ping/secret")), std::nullopt);
  ASSERT_EQ(server_.requests().size(), 1U);
  EXPECT_EQ(server_.requests()[0].method, "GET");
  EXPECT_EQ(server_.requests()[0].path, "/ping/secret");
  server_.script({{500, ""}});
  const auto failure = fetch(server_.url("/ping/secret"));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->find("secret"), std::string::npos) << *failure;
}

TEST_F(HttpChannel, FailsWithTheStatusAndWhatWasSaid) {
  server_.script({{400, "invalid_blocks"}});
  EXPECT_EQ(post_json(server_.url("/services/T0"), {}, "{}"),
            "127.0.0.1 answered 400: invalid_blocks");
}

TEST_F(HttpChannel, NeverShowsTheSecretInTheUrl) {
  server_.script({{404, "The requested URL /services/hushhush was not found"}});
  EXPECT_EQ(post_json(server_.url("/services/hushhush"), {}, "{}"), "127.0.0.1 answered 404");
  for (const char* url : {"http://127.0.0.1:1/services/hushhush", "gopher://x/hushhush",
                          "http://nosuchhost.invalid/hushhush", "hushhush:::not a url"}) {
    const auto failure = post_json(url, {}, "{}");
    ASSERT_TRUE(failure) << url;
    EXPECT_EQ(failure->find("hushhush"), std::string::npos) << *failure;
  }
}

TEST_F(HttpChannel, FollowsNoRedirect) {
  test::HttpServer elsewhere;
  server_.script({{302, "", {{"Location", elsewhere.url()}}}});
  EXPECT_EQ(post_json(server_.url(), {}, "{}"), "127.0.0.1 answered 302");
  EXPECT_TRUE(elsewhere.requests().empty());
}

TEST_F(HttpChannel, ShowsOnlyTheBeginningOfALongAnswer) {
  server_.script({{500, std::string(1 << 20, 'x')}});
  EXPECT_LT(post_json(server_.url(), {}, "{}")->size(), 300U);
}

}  // namespace
}  // namespace evd::alert
