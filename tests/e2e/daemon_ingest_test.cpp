// Events that come in over HTTP, at the real daemon.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/daemon_fixture.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/unix_socket.hpp"

namespace evd::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string k_json = "Content-Type: application/json";

void send_all(const UniqueFd& fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

class DaemonIngest : public DaemonTest {
 protected:
  std::unique_ptr<HttpClient> local() {
    return std::make_unique<HttpClient>("http://localhost", shop.file("evd.sock").string());
  }
};

TEST_F(DaemonIngest, AnEventIsAnsweredAfterItsCommitAndRun) {
  const Program evd = shop.start_evd();
  const auto client = local();
  const HttpReply answer = client->post(
      R"({"event_name": "purchased", "args": {"total": 1.50}, "key": "u1"})", {k_json});
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  const auto id = answer.parsed().at("id").get<std::int64_t>();
  EXPECT_EQ(shop.value("select args::text || key from evd.event where id = $1", pg::params(id)),
            "{\"total\": 1.50}u1")
      << "it is committed, and numbers keep their digits";
  EXPECT_TRUE(shop.wait_processed({id}));
}

TEST_F(DaemonIngest, AnArrayIsAllOrNothing) {
  const Program evd = shop.start_evd();
  const auto client = local();
  const HttpReply answer = client->post(
      R"([{"event_name": "purchased", "args": [1.10]}, {"event_name": "purchased"}])", {k_json});
  EXPECT_EQ(answer.status, 201) << answer.body;
  const auto ids = answer.parsed().at("ids").get<Ids>();
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(shop.value("select args::text from evd.event where id = $1", pg::params(ids[0])),
            "[1.10]");
  const HttpReply refused =
      client->post(R"([{"event_name": "purchased"}, {"event_name": "unheard"}])", {k_json});
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.parsed().at("detail").get<std::string>(),
              HasSubstr("events[1].event_name: no such event: \"unheard\""));
  EXPECT_EQ(shop.number("select count(*) from evd.event"), 2);
}

TEST_F(DaemonIngest, BadRequestsAreToldWhy) {
  const Program evd = shop.start_evd();
  const auto client = local();
  const auto expect = [&](long status, const std::string& body, const std::string& detail,
                          const std::vector<std::string>& headers = {k_json}) {
    const HttpReply answer = client->post(body, headers);
    EXPECT_EQ(answer.status, status) << body;
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    EXPECT_EQ(answer.parsed().at("status"), status);
    EXPECT_THAT(answer.parsed().at("detail").get<std::string>(), HasSubstr(detail));
  };
  expect(400, "{", "not JSON");
  expect(400, "", "not JSON");
  expect(400, "[]", "no event");
  expect(400, "7", "not a JSON object");
  expect(400, R"({"args": []})", "event_name");
  expect(400, R"({"event_name": "purchased", "arg": []})", "unknown key \"arg\"");
  expect(415, "<a/>", "application/json", {"Content-Type: text/xml"});
  expect(422, R"({"event_name": "unheard"})", "event_name: no such event: \"unheard\"");
  expect(422, R"({"event_name": "purchased", "deliver_at": "tomorrow or so"})", "tomorrow or so");
  expect(422, R"({"event_name": "purchased", "args": "\u0000"})", "");
  std::string large;
  large.resize(9'000'000, ' ');
  expect(413, large, "too large");
  EXPECT_EQ(client->post("{}", {k_json}, "/v1/event").status, 404);
  EXPECT_EQ(client->get("/v1/events").status, 405);
  EXPECT_EQ(client->post("{}", {k_json}, "/healthz").status, 405);
  EXPECT_EQ(shop.number("select count(*) from evd.event"), 0);
  EXPECT_EQ(client->post(R"({"event_name": "purchased"})", {k_json}).status, 201)
      << "and the next is taken";
}

TEST_F(DaemonIngest, AKnownKeyIsToldTheSameId) {
  const Program evd = shop.start_evd();
  const auto client = local();
  const std::vector<std::string> headers = {k_json, "Idempotency-Key: order 17"};
  const HttpReply first = client->post(R"({"event_name": "purchased"})", headers);
  const HttpReply again = client->post(R"({"event_name": "purchased"})", headers);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(first.parsed().at("id"), again.parsed().at("id"));
  EXPECT_EQ(again.parsed().at("duplicate"), true);
  const std::string own = R"({"event_name": "purchased", "dedup_key": "order 17"})";
  EXPECT_EQ(client->post(own, {k_json}).parsed().at("id"), first.parsed().at("id"));
  const std::string many = R"([{"event_name": "purchased"}, {"event_name": "purchased"}])";
  const HttpReply both = client->post(many, headers);
  EXPECT_EQ(both.status, 201);
  const HttpReply repeated = client->post(many, headers);
  EXPECT_EQ(repeated.status, 200);
  EXPECT_EQ(both.parsed().at("ids"), repeated.parsed().at("ids"));
  EXPECT_EQ(shop.number("select count(*) from evd.event"), 3);
}

TEST_F(DaemonIngest, TakesCloudEvents) {
  const Program evd = shop.start_evd();
  const auto client = local();
  const std::vector<std::string> headers = {"Content-Type: application/cloudevents+json"};
  const std::string event =
      R"({"specversion": "1.0", "id": "A-1", "source": "/shop", "type": "purchased", "subject": "u7",)"
      R"( "time": "2026-01-01T00:00:00Z", "traceparent": "00-ab", "data": {"total": 2.50}})";
  const HttpReply answer = client->post(event, headers);
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(client->post(event, headers).status, 200) << "source and id are its dedup key";
  EXPECT_EQ(shop.value("select args::text || key || (headers ->> 'traceparent') from evd.event"),
            "{\"total\": 2.50}u700-ab");
  EXPECT_EQ(
      client->post(R"({"specversion": "1.0", "id": "A-1", "type": "purchased"})", headers).status,
      400);
  EXPECT_EQ(client->post("[" + event + "]", {"Content-Type: application/cloudevents-batch+json"})
                .parsed()
                .at("ids")
                .at(0),
            answer.parsed().at("id"));
}

TEST_F(DaemonIngest, ConcurrentRequestsShareCommitsAndABadOneHarmsNone) {
  const Program evd = shop.start_evd();
  constexpr int k_clients = 16, k_each = 50;
  std::atomic<int> taken{0}, refused{0};
  {
    std::vector<std::jthread> clients;
    for (int n = 0; n < k_clients; ++n) {
      clients.emplace_back([&, n] {
        const auto client = local();
        for (int i = 0; i < k_each; ++i) {
          const std::string name = n == 0 && i % 5 == 0 ? "unheard" : "purchased";
          const auto status = client->post(R"({"event_name": ")" + name + "\"}", {k_json}).status;
          taken += status == 201;
          refused += status == 422;
        }
      });
    }
  }
  EXPECT_EQ(refused, k_each / 5);
  EXPECT_EQ(taken, k_clients * k_each - k_each / 5);
  EXPECT_EQ(shop.number("select count(*) from evd.event"), taken);
  EXPECT_LT(shop.number("select count(*) from evd.ingest_batch"), taken) << "commits are shared";
}

// Ten bodies of 7 MiB are begun, and none ends: more than evd holds.
TEST_F(DaemonIngest, BodiesThatNeverEndDoNotFillTheMemory) {
  const Program evd = shop.start_evd();
  constexpr std::size_t k_bytes = 7UL << 20;
  const std::string head = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                           std::to_string(k_bytes + 1) + "\r\n\r\n";
  std::vector<UniqueFd> begun;
  for (int n = 0; n < 10; ++n) {
    begun.push_back(connect_unix(shop.file("evd.sock")));
    send_all(begun.back(), head + std::string(k_bytes, ' '));
  }
  const auto client = local();
  HttpReply answer;
  EXPECT_TRUE(eventually([&] {
    answer = client->post(R"({"event_name": "purchased"})" + std::string(6UL << 20, ' '), {k_json});
    return answer.status == 429;
  }));
  EXPECT_EQ(answer.headers.count("retry-after"), 1U);
  begun.clear();
  EXPECT_TRUE(eventually(
      [&] { return client->post(R"({"event_name": "purchased"})", {k_json}).status == 201; }));
}

TEST_F(DaemonIngest, TooMuchAtOnceIsPutOff) {
  const Program evd = shop.start_evd();
  pg::Connection blocker = database.connect();
  blocker.query("begin");
  blocker.query("lock table evd.ingest_batch in access exclusive mode");
  std::string many = "[";
  for (int i = 0; i < 1000; ++i)
    many += (i > 0 ? "," : "") + std::string(R"({"event_name": "purchased"})");
  many += "]";
  std::atomic<int> put_off{0}, taken{0};
  std::atomic<bool> has_retry_after{true};
  std::vector<std::jthread> clients;
  for (int n = 0; n < 30; ++n) {
    clients.emplace_back([&] {
      const HttpReply answer = local()->post(many, {k_json});
      if (answer.status == 429) {
        has_retry_after = has_retry_after && answer.headers.contains("retry-after");
        ++put_off;
      }
      taken += answer.status == 201;
    });
  }
  EXPECT_TRUE(eventually([&] { return put_off >= 5; }));
  blocker.query("rollback");
  clients.clear();
  EXPECT_TRUE(has_retry_after);
  EXPECT_EQ(put_off + taken, 30);
  EXPECT_EQ(shop.number("select count(*) from evd.event"), taken * 1000);
}

class DaemonIngestTcp : public DaemonIngest {
 protected:
  // On a port of its own.
  void start(const std::string& tokens, const std::string& more = {}) {
    const int port = free_port();
    base = "http://127.0.0.1:" + std::to_string(port);
    Settings settings = shop.settings();
    settings["daemon"]["listen"] = "[\"127.0.0.1:" + std::to_string(port) + "\"]";
    if (!tokens.empty()) settings["daemon"]["tokens"] = tokens;
    if (!more.empty()) settings["daemon"]["allowed_hosts"] = more;
    shop.write_config(settings);
    running = shop.start_evd();
  }

  std::string base;
  Program running;
};

TEST_F(DaemonIngestTcp, NeedsATokenOfTheRightRole) {
  start(
      R"([{ role = "emitter", token = "let-me-emit" }, { role = "reader", token = "let-me-read" }])");
  HttpClient client(base);
  const std::string event = R"({"event_name": "purchased"})";
  EXPECT_EQ(client.post(event, {k_json}).status, 401);
  EXPECT_EQ(client.post(event, {k_json, "Authorization: Bearer wrong"}).status, 401);
  EXPECT_EQ(client.post(event, {k_json, "Authorization: Bearer let-me-read"}).status, 403);
  EXPECT_EQ(client.post(event, {k_json, "Authorization: Bearer let-me-emit"}).status, 201);
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.get("/metrics").status, 200);
}

TEST_F(DaemonIngestTcp, ASighupTakesOtherTokens) {
  start(R"([{ role = "emitter", token = "old" }])");
  HttpClient client(base);
  Settings settings = shop.settings();
  settings["daemon"]["listen"] = "[\"" + base.substr(7) + "\"]";
  settings["daemon"]["tokens"] = R"([{ role = "emitter", token = "new" }])";
  shop.write_config(settings);
  running->signal(SIGHUP);
  ASSERT_TRUE(running->wait_for_output("read again"));
  const std::string event = R"({"event_name": "purchased"})";
  EXPECT_TRUE(eventually([&] {
    return client.post(event, {k_json, "Authorization: Bearer new"}).status == 201;
  }));
  EXPECT_EQ(client.post(event, {k_json, "Authorization: Bearer old"}).status, 401);
}

TEST_F(DaemonIngestTcp, WithoutTokensOnlyTellsOfItsHealth) {
  start("");
  HttpClient client(base);
  EXPECT_EQ(client.post(R"({"event_name": "purchased"})", {k_json}).status, 401);
  EXPECT_EQ(client.get("/readyz").status, 200);
}

TEST_F(DaemonIngestTcp, AnUnknownHostIsRefused) {
  start(R"([{ role = "emitter", token = "t" }])", R"(["events.example"])");
  HttpClient client(base);
  const std::string event = R"({"event_name": "purchased"})", token = "Authorization: Bearer t";
  EXPECT_EQ(client.post(event, {k_json, token, "Host: rebound.example"}).status, 421);
  EXPECT_EQ(client.get("/metrics", {"Host: rebound.example"}).status, 421);
  EXPECT_EQ(client.post(event, {k_json, token, "Host: events.example:80"}).status, 201);
  EXPECT_EQ(client.post(event, {k_json, token, "Host: LOCALHOST"}).status, 201);
}

// docs/openapi.json: its paths are the server's, its examples are taken, and what the server
// answers is in it.
TEST_F(DaemonIngestTcp, IsWhatItsDescriptionSays) {
  start(R"([{ role = "emitter", token = "t" }, { role = "reader", token = "r" }])");
  HttpClient client(base);
  const std::string token = "Authorization: Bearer t";
  const json api = json::parse(std::ifstream(EVD_SOURCE_DIR "/docs/openapi.json"));
  for (const auto& [path, methods] : api.at("paths").items()) {
    if (!methods.contains("get")) continue;
    const auto status = std::to_string(client.get(path).status);
    EXPECT_TRUE(methods.at("get").at("responses").contains(status)) << path << " " << status;
  }
  const json& emit = api.at("paths").at("/v1/events").at("post");
  for (const auto& [type, content] : emit.at("requestBody").at("content").items()) {
    for (const auto& [name, example] : content.at("examples").items()) {
      const auto answer = client.post(example.at("value").dump(), {"Content-Type: " + type, token});
      EXPECT_EQ(answer.status, 201) << type << " " << name << ": " << answer.body;
      const json& properties = api.at("components").at("schemas").at("Written").at("properties");
      const json written = answer.parsed();
      for (const auto& [key, value] : written.items()) EXPECT_TRUE(properties.contains(key)) << key;
    }
  }
  std::string large;
  large.resize(9'000'000, ' ');
  const std::string event = R"({"event_name": "purchased"})";
  const std::vector<std::pair<long, HttpReply>> refused = {
      {400, client.post("{", {k_json, token})},
      {401, client.post(event, {k_json})},
      {403, client.post(event, {k_json, "Authorization: Bearer r"})},
      {413, client.post(large, {k_json, token})},
      {415, client.post(event, {"Content-Type: text/plain", token})},
      {421, client.post(event, {k_json, token, "Host: other.example"})},
      {422, client.post(R"({"event_name": "unheard"})", {k_json, token})}};
  for (const auto& [status, answer] : refused) {
    EXPECT_EQ(answer.status, status);
    EXPECT_TRUE(emit.at("responses").contains(std::to_string(status)));
    for (const auto& key : api.at("components").at("schemas").at("Problem").at("required"))
      EXPECT_TRUE(answer.parsed().contains(key)) << key;
  }
}

TEST_F(DaemonIngestTcp, AnAddressForOthersNeedsAProxy) {
  Settings settings = shop.settings();
  settings["daemon"]["listen"] = R"(["0.0.0.0:18484"])";
  shop.write_config(settings);
  const Program evd = shop.launch("evd");
  EXPECT_EQ(evd->wait(), 2);
  EXPECT_THAT(evd->err(), HasSubstr("behind_proxy"));
}

TEST_F(DaemonIngest, WhatCameInIsAnsweredBeforeItStops) {
  const Program evd = shop.start_evd();
  pg::Connection blocker = database.connect();
  blocker.query("begin");
  blocker.query("lock table evd.ingest_batch in access exclusive mode");
  HttpReply answer;
  std::jthread client([&] { answer = local()->post(R"({"event_name": "purchased"})", {k_json}); });
  ASSERT_TRUE(eventually([&] {
    return shop.number(
               "select count(*) from pg_stat_activity where datname = current_database()"
               " and wait_event_type = 'Lock'") > 0;
  }));
  evd->signal(SIGTERM);
  blocker.query("rollback");
  client.join();
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(evd->wait(), 0);
}

TEST_F(DaemonIngest, EventsAreWrittenOnceHoweverOftenTheirSessionIsEnded) {
  const Program evd = shop.start_evd();
  std::atomic<bool> is_over{false};
  std::atomic<int> taken{0}, unknown{0};
  {
    std::vector<std::jthread> clients;
    for (int n = 0; n < 8; ++n) {
      clients.emplace_back([&] {
        const auto client = local();
        while (!is_over) {
          const auto status = client->post(R"({"event_name": "purchased"})", {k_json}).status;
          taken += status == 201;
          unknown += status != 201;
        }
      });
    }
    for (int i = 0; i < 10; ++i) {
      const int before = taken;
      EXPECT_TRUE(eventually([&] { return taken > before + 20; }));
      shop.value(
          "select count(pg_terminate_backend(pid)) from pg_stat_activity"
          " where datname = current_database() and application_name = 'evd ingest'");
    }
    is_over = true;
  }
  EXPECT_EQ(unknown, 0);
  EXPECT_EQ(shop.number("select count(*) from evd.event"), taken);
}

}  // namespace
}  // namespace evd::test
