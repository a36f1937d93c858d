#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "common/handlers/event_json.hpp"

namespace evd::handlers {
namespace {

Attempt make_attempt(journal::Event event) {
  Attempt attempt;
  attempt.event = std::make_shared<const journal::Event>(std::move(event));
  attempt.route = std::make_shared<const journal::Route>(
      journal::Route{.id = 1, .event_name = "purchased", .expected = {"lottery"}});
  return attempt;
}

std::string render(const Attempt& attempt) {
  std::string text;
  append_event_json(text, attempt, "lottery", "shop-prod");
  return text;
}

TEST(EventJson, IsTheDocumentedObject) {
  const Attempt attempt = make_attempt({.id = 42,
                                        .created_at_us = 1767229871000000,
                                        .args = R"(["user A", 5000])",
                                        .key = {},
                                        .headers = {}});
  EXPECT_EQ(render(attempt),
            R"({"id": 42, "event_name": "purchased", "created_at": "2026-01-01T01:11:11.000000Z", )"
            R"("args": ["user A", 5000], "key": null, "headers": {}, "handler": "lottery", )"
            R"("attempt": 1, "idempotency_key": "shop-prod:42:lottery"})");
}

TEST(EventJson, KeepsArgsAndHeadersAsPostgresWroteThem) {
  const Attempt attempt = make_attempt({.id = 1,
                                        .args = R"({"n": 1.000000000000000000000000001})",
                                        .key = {},
                                        .headers = R"({"b": 1, "a": 1e400})"});
  EXPECT_THAT(render(attempt),
              testing::HasSubstr(R"("args": {"n": 1.000000000000000000000000001},)"));
  EXPECT_THAT(render(attempt), testing::HasSubstr(R"("headers": {"b": 1, "a": 1e400},)"));
}

TEST(EventJson, EscapesTheKey) {
  const std::string key = "a\"b\\c\nd\x01 é";
  const Attempt attempt = make_attempt({.id = 1, .args = "[]", .key = key, .headers = {}});
  const std::string text = render(attempt);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(text).at("key"), key);
}

TEST(EventJson, SaysWhichAttemptAndRoundItIs) {
  Attempt attempt = make_attempt({.id = 7, .args = "[]", .key = {}, .headers = {}});
  attempt.run = 9;
  attempt.number = 3;
  attempt.round = 2;
  const auto json = nlohmann::json::parse(render(attempt));
  EXPECT_EQ(json.at("attempt"), 3);
  EXPECT_EQ(json.at("idempotency_key"), "shop-prod:7:lottery:r2");
}

TEST(EventJson, WritesTimesInUtcWithMicroseconds) {
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(iso_time(951782399999999), "2000-02-28T23:59:59.999999Z");
  EXPECT_EQ(iso_time(951782400000001), "2000-02-29T00:00:00.000001Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace evd::handlers
