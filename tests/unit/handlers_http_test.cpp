#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "common/base/unique_fd.hpp"
#include "common/base/webhook_signature.hpp"
#include "common/handlers/http_handler.hpp"
#include "common/handlers/http_outcome.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/recording_sink.hpp"

namespace evd::handlers {
namespace {

using journal::OutcomeKind;
using test::eventually;
using test::HttpAnswer;
using test::HttpRequest;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

Attempt attempt(std::int64_t id = 42, const std::string& headers = {}) {
  Attempt result;
  journal::Event event{
      .id = id, .args = R"(["user A", 5000])", .key = "order é\"7", .headers = headers};
  event.created_at_us = 1'767'229'871'000'000;
  result.event = std::make_shared<const journal::Event>(std::move(event));
  result.route = std::make_shared<const journal::Route>(
      journal::Route{.id = 1, .event_name = "purchased", .expected = {"crm"}});
  return result;
}

// --- what is sent

TEST(HttpMessage, IsTheEventSignedWithEachSecret) {
  const HttpTarget target{.url = "", .secrets = {"one", "two"}};
  const HttpMessage message = http_message(target, attempt(), "crm", "shop", 1'700'000'000);
  EXPECT_EQ(nlohmann::json::parse(message.body).at("handler"), "crm");
  const auto sign = [&](const char* secret) {
    return sign_webhook(secret, "shop:42:crm", 1'700'000'000, message.body);
  };
  EXPECT_THAT(message.headers,
              IsSupersetOf({std::string("webhook-id: shop:42:crm"),
                            std::string("webhook-timestamp: 1700000000"),
                            "webhook-signature: " + sign("one") + " " + sign("two"),
                            std::string("Content-Type: application/json")}));
}

TEST(HttpMessage, AsACloudEventHasTheArgsAsItsBody) {
  const HttpTarget target{.url = "", .secrets = {}, .format = BodyFormat::k_cloudevents};
  const HttpMessage message = http_message(target, attempt(), "crm", "my shop", 1);
  EXPECT_EQ(message.body, R"(["user A", 5000])");
  EXPECT_THAT(message.headers,
              IsSupersetOf({"ce-specversion: 1.0", "ce-id: 42", "ce-source: /evd/my%20shop",
                            "ce-type: purchased", "ce-time: 2026-01-01T01:11:11.000000Z",
                            "ce-subject: order%20%C3%A9%227"}));
}

TEST(HttpMessage, PassesTheTraceOn) {
  const auto headers = [](const std::string& emitted) {
    return http_message({}, attempt(1, emitted), "crm", "shop", 1).headers;
  };
  EXPECT_THAT(headers(R"({"traceparent": "00-abc-def-01", "other": "x"})"),
              Contains("traceparent: 00-abc-def-01"));
  EXPECT_THAT(headers(R"({"traceparent": "a\r\nevil: 1"})"),
              Not(Contains(StartsWith("traceparent"))));
  EXPECT_THAT(headers(R"({"traceparent": 7})"), Not(Contains(StartsWith("traceparent"))));
}

// --- what an answer means

TEST(HttpOutcome, IsMadeOfTheStatus) {
  HttpTarget target{.url = "https://crm.example/hook/s3cret-token"};
  target.permanent_status = {422};
  const auto outcome = [&](long status, std::optional<Milliseconds> wait = {}) {
    return http_outcome(target,
                        {.status = status, .answer = "why", .problem = "", .retry_after = wait});
  };
  EXPECT_EQ(outcome(200).kind, OutcomeKind::k_done);
  EXPECT_EQ(outcome(204).kind, OutcomeKind::k_done);
  EXPECT_EQ(outcome(302).kind, OutcomeKind::k_retry) << "no redirect is followed";
  EXPECT_EQ(outcome(404).kind, OutcomeKind::k_retry);
  EXPECT_EQ(outcome(410).kind, OutcomeKind::k_failed);
  EXPECT_EQ(outcome(422).kind, OutcomeKind::k_failed);
  EXPECT_EQ(outcome(500).error, "crm.example answered 500: why");
  EXPECT_FALSE(outcome(500).is_transport) << "it was heard";
  EXPECT_FALSE(outcome(429).is_transport) << "it is there, and busy";
  EXPECT_TRUE(outcome(503).is_transport);
  EXPECT_EQ(outcome(503, Milliseconds{2'000}).retry_after, Milliseconds{2'000});
  EXPECT_EQ(outcome(429, Milliseconds{2'000}).retry_after, Milliseconds{2'000});
  EXPECT_EQ(outcome(500, Milliseconds{2'000}).retry_after, std::nullopt);
  EXPECT_TRUE(outcome(0).is_transport);
}

TEST(HttpOutcome, TellsNothingOfASecretUrl) {
  const HttpTarget target{.url = "https://crm.example/hook/s3cret-token"};
  const auto outcome = http_outcome(
      target, {.status = 404, .answer = "no /hook/s3cret-token", .problem = "", .retry_after = {}});
  EXPECT_EQ(outcome.error, "crm.example answered 404");
}

// --- requests

class HttpHandlerTest : public testing::Test {
 protected:
  HandlerConfig config(const std::string& url) {
    HandlerConfig result;
    result.name = "crm";
    result.kind = HandlerKind::k_http;
    result.http.url = url;
    result.http.secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
    result.timeout = std::chrono::seconds{20};
    result.concurrency = 200;
    return result;
  }
  void make(const HandlerConfig& with) {
    handler = std::make_unique<HttpHandler>(with, "shop", sink);
  }
  void start(int count) {
    Batch batch;
    batch.id = 7;
    for (int i = 0; i < count; ++i) batch.attempts.push_back(attempt(i + 1));
    handler->start(std::move(batch));
  }
  journal::Outcome outcome() {
    start(1);
    EXPECT_TRUE(sink.wait_for_results(1));
    return sink.results().at(0).outcome;
  }

  test::HttpServer server;
  test::RecordingSink sink;
  std::unique_ptr<HttpHandler> handler;
};

TEST_F(HttpHandlerTest, PostsTheEvent) {
  make(config(server.url("/hook")));
  EXPECT_EQ(outcome().kind, OutcomeKind::k_done);
  const HttpRequest request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/hook");
  EXPECT_THAT(request.headers, Contains(Pair("webhook-id", "shop:1:crm")));
  EXPECT_THAT(request.headers, Contains(Pair("content-type", "application/json")));
  EXPECT_EQ(nlohmann::json::parse(request.body).at("args"),
            nlohmann::json::parse(R"(["user A", 5000])"));
  const std::int64_t at = std::stoll(request.headers.at("webhook-timestamp"));
  EXPECT_EQ(request.headers.at("webhook-signature"),
            sign_webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "shop:1:crm", at, request.body));
}

TEST_F(HttpHandlerTest, HasManyInFlightAndReportsEachOnce) {
  make(config(server.url()));
  start(200);
  start(200);
  ASSERT_TRUE(sink.wait_for_results(400));
  std::map<std::uint32_t, int> seen;
  for (const Result& result : sink.results()) {
    EXPECT_EQ(result.outcome.kind, OutcomeKind::k_done) << result.outcome.error;
    ++seen[result.index];
  }
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_EQ(server.requests().size(), 400U);
}

TEST_F(HttpHandlerTest, KeepsTheBeginningOfAnAnswerAsTheError) {
  server.script({{500, "out of stock " + std::string(10'000, 'x'), {}}});
  make(config(server.url()));
  const auto failed = outcome();
  EXPECT_EQ(failed.kind, OutcomeKind::k_retry);
  EXPECT_THAT(failed.error, StartsWith("127.0.0.1 answered 500: out of stock"));
  EXPECT_LT(failed.error.size(), 300U);
}

TEST_F(HttpHandlerTest, ObeysRetryAfterInSecondsOrAsADate) {
  server.script({{429, "", {{"Retry-After", "7"}}}});
  make(config(server.url()));
  EXPECT_EQ(outcome().retry_after, std::chrono::seconds{7});
  server.script({{503, "", {{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"}}}});
  start(1);
  ASSERT_TRUE(sink.wait_for_results(2));
  EXPECT_GT(sink.results().at(1).outcome.retry_after, std::chrono::hours{24 * 365});
}

TEST_F(HttpHandlerTest, FollowsNoRedirect) {
  server.script({{302, "", {{"Location", server.url("/elsewhere")}}}});
  make(config(server.url()));
  EXPECT_THAT(outcome().error, HasSubstr("302"));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpHandlerTest, NobodyListeningIsAFailureOfTransport) {
  std::string url;
  {
    const test::HttpServer gone;
    url = gone.url("/secret-path");
  }
  make(config(url));
  const auto failed = outcome();
  EXPECT_EQ(failed.kind, OutcomeKind::k_retry);
  EXPECT_TRUE(failed.is_transport);
  EXPECT_THAT(failed.error, StartsWith("127.0.0.1: "));
  EXPECT_THAT(failed.error, Not(HasSubstr("secret-path")));
}

// A socket that is listened on and never accepted: the connection is made, and no answer comes.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), generic, size) != 0 || ::listen(socket_.get(), 8) != 0 ||
        ::getsockname(socket_.get(), generic, &size) != 0)
      throw Error("cannot listen");
    port_ = ntohs(address.sin_port);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  UniqueFd socket_;
  int port_ = 0;
};

TEST_F(HttpHandlerTest, AnAnswerThatDoesNotComeIsATimeout) {
  const SilentServer silent;
  HandlerConfig with = config(silent.url());
  with.timeout = Milliseconds{200};
  make(with);
  const auto failed = outcome();
  EXPECT_EQ(failed.error, "127.0.0.1: timed out after 200ms");
  EXPECT_TRUE(failed.is_transport);
}

TEST_F(HttpHandlerTest, AnInterruptGivesBackWhatIsInFlight) {
  const SilentServer silent;
  make(config(silent.url()));
  start(3);
  handler->interrupt();
  ASSERT_TRUE(sink.wait_for_results(3));
  for (const Result& result : sink.results())
    EXPECT_EQ(result.outcome.kind, OutcomeKind::k_handed_back);
}

TEST_F(HttpHandlerTest, ASecretThatIsNoneIsAnErrorOfTheAttempt) {
  HandlerConfig with = config(server.url());
  with.http.secrets = {"whsec_***"};
  make(with);
  EXPECT_THAT(outcome().error, HasSubstr("base64"));
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace evd::handlers
