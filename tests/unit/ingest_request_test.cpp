// What is read from the body of a request. It comes from strangers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/ingest/request.hpp"

namespace evd::test {
namespace {

using ingest::parse_request;
using ingest::Problem;
using ingest::Request;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view k_cloud = "application/cloudevents+json";

Request read(std::string_view text, std::string_view type = "", const char* key = nullptr) {
  ingest::Body body{.text = text, .content_type = type};
  if (key != nullptr) body.idempotency_key = key;
  return std::get<Request>(parse_request(body));
}

Problem refused(std::string_view text, std::string_view type = "") {
  const auto result = parse_request({.text = text, .content_type = type});
  const auto* problem = std::get_if<Problem>(&result);
  return problem == nullptr ? Problem{0, "not refused"} : *problem;
}

TEST(IngestRequest, KeepsEveryDigitOfANumber) {
  constexpr const char* k_event =
      R"({"event_name":"a","args":[0.10000000000000000001,123456789012345678901234567890,-1e-7]})";
  EXPECT_THAT(read(k_event).events, ElementsAre(k_event));
}

TEST(IngestRequest, TakesAListWhoseTextsHoldWhatSeparatesElements) {
  const Request request =
      read(R"( [ {"event_name":"a","key":"},{\"]\\"} ,{"event_name":"b","args":[[],{}]} ] )");
  EXPECT_THAT(request.events, ElementsAre(R"({"event_name":"a","key":"},{\"]\\"})",
                                          R"({"event_name":"b","args":[[],{}]})"));
  EXPECT_TRUE(request.is_array);
  EXPECT_FALSE(request.is_keyed);
}

TEST(IngestRequest, RefusesWhatIsNotAnEvent) {
  for (const char* body :
       {"", "{", "[", "7", "\"a\"", "[7]", "[[]]", "[{}", "{} {}", "[null]", "{}", "[]",
        R"({"event_name":"a","arg":1})", "{\"event_name\":\"\xff\"}"})
    EXPECT_EQ(refused(body).status, 400) << body;
  EXPECT_THAT(refused(R"([{"event_name":"a"},{}])").detail, HasSubstr("events[1]"));
  EXPECT_EQ(refused("{}", "text/plain").status, 415);
}

// Found by the fuzzer: to the parser a NUL is the end of the text.
TEST(IngestRequest, RefusesABodyWithANul) {
  const std::string event = R"({"specversion":"1.0","type":"a","source":"/s","id":"1","data":1})";
  EXPECT_EQ(refused(event + '\0', k_cloud).status, 400);
  EXPECT_EQ(refused(std::string(R"({"event_name":"a"})") + '\0' + "}").status, 400);
}

TEST(IngestRequest, LimitsTheEventsOfAList) {
  std::string events = R"([{"event_name":"a"})";
  for (std::size_t i = 1; i < ingest::k_max_events; ++i) events += R"(,{"event_name":"a"})";
  EXPECT_EQ(read(events + "]").events.size(), ingest::k_max_events);
  EXPECT_EQ(refused(events + R"(,{"event_name":"a"}])").status, 413);
}

TEST(IngestRequest, LimitsTheDepth) {
  const auto event = [](std::size_t depth) {
    return R"({"event_name":"a","key":"[[","args":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
  };
  EXPECT_EQ(read(event(ingest::k_max_depth - 1)).events.size(), 1U);
  EXPECT_EQ(refused(event(ingest::k_max_depth)).status, 413);
  EXPECT_EQ(refused(std::string(8UL << 20, '[')).status, 413);
  EXPECT_EQ(refused("\"\\").status, 400);  // a string that does not end
}

TEST(IngestRequest, AnIdempotencyKeyIsTheDedupKeyOfWhatHasNone) {
  const Request one = read(R"({"event_name":"a"})", "", "k\"");
  EXPECT_EQ(json::parse(one.events.at(0)).at("dedup_key"), "k\"");
  EXPECT_TRUE(one.is_keyed);
  const Request list =
      read(R"([{"event_name":"a","dedup_key":"own"},{"event_name":"a"}])", "", "k");
  EXPECT_EQ(json::parse(list.events.at(0)).at("dedup_key"), "own");
  EXPECT_EQ(json::parse(list.events.at(1)).at("dedup_key"), "k/1");
}

TEST(IngestRequest, MapsACloudEvent) {
  const Request request =
      read(R"({"specversion":"1.0","type":"a","source":"/s","id":"1","subject":"k",
               "traceparent":"00-1-2-01","data":{"x":1.10}})",
           "Application/CloudEvents+json; charset=utf-8");
  EXPECT_THAT(request.events.at(0), HasSubstr(R"("args":{"x":1.10})"));
  const json event = json::parse(request.events.at(0));
  EXPECT_EQ(event.at("event_name"), "a");
  EXPECT_EQ(event.at("key"), "k");
  EXPECT_EQ(event.at("dedup_key"), "/s 1");
  EXPECT_EQ(event.at("headers"), (json{{"traceparent", "00-1-2-01"}}));
}

TEST(IngestRequest, RefusesCloudEventsThatAreNot) {
  constexpr const char* k_binary =
      R"({"specversion":"1.0","type":"a","source":"/s","id":"1","data_base64":"AA=="})";
  for (const char* event : {R"({"type":"a","source":"/s","id":"1"})",
                            R"({"specversion":"0.3","type":"a","source":"/s","id":"1"})",
                            R"({"specversion":"1.0","type":"","source":"/s","id":"1"})",
                            R"({"specversion":"1.0","type":"a","source":"/s","id":1})", k_binary})
    EXPECT_EQ(refused(event, k_cloud).status, 400) << event;
}

}  // namespace
}  // namespace evd::test
