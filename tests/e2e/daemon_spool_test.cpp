// Events that come in while the database is away: on the disk, and from there to the database once.
#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/daemon_fixture.hpp"
#include "tests/support/http_client.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;

const std::string k_json = "Content-Type: application/json";

class DaemonSpool : public OwnServerTest {
 protected:
  std::unique_ptr<HttpClient> client() {
    return std::make_unique<HttpClient>("http://localhost", shop.file("evd.sock").string());
  }

  static std::string event(const std::string& key, const std::string& name = "purchased") {
    return R"({"event_name": ")" + name + R"(", "key": ")" + key + "\"}";
  }

  void stop_server() {
    server.stop(pg::StopMode::k_immediate);
    EXPECT_THROW(shop.value("select 1"), pg::Error) << "the shop's own session is gone, too";
  }

  // evd lives, and its database does not answer.
  void go_away(const Program& evd) {
    stop_server();
    ASSERT_TRUE(eventually([&] { return shop.http_status("/readyz") == 503; })) << evd->err();
  }

  std::string spool_text(const std::string& file) const {
    std::ifstream stream(shop.file("evd.state") / "spool" / file);
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  Ids all_ids() {
    Ids ids;
    std::istringstream list(
        shop.value("select string_agg(id::text, ' ' order by id) from evd.event"));
    for (std::int64_t id = 0; list >> id;) ids.push_back(id);
    return ids;
  }
};

TEST_F(DaemonSpool, KeepsEventsWhileTheDatabaseIsAwayAndWritesThemInOrder) {
  const Program evd = shop.start_evd();
  go_away(evd);
  const auto http = client();
  for (int i = 0; i < 20; ++i) {
    const HttpReply answer = http->post(event("u" + std::to_string(i)), {k_json});
    ASSERT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(answer.parsed().at("spooled"), 1);
    EXPECT_EQ(answer.parsed().at("spool_ids").size(), 1U);
  }
  EXPECT_THAT(shop.http_body("/metrics"), HasSubstr("evd_spool_bytes "));
  server.start();
  ASSERT_TRUE(evd->wait_for_output("the spool is drained"));
  EXPECT_EQ(shop.value("select string_agg(key, ' ' order by id) from evd.event"),
            "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 u13 u14 u15 u16 u17 u18 u19");
  EXPECT_EQ(http->post(event("after"), {k_json}).status, 201);
  const Ids ids = all_ids();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

TEST_F(DaemonSpool, IsDrainedAfterEvdWasKilled) {
  Program evd = shop.start_evd();
  go_away(evd);
  ASSERT_EQ(client()->post("[" + event("a") + "," + event("b") + "]", {k_json}).status, 202);
  evd->signal(SIGKILL);
  evd->wait();
  // What a crash may leave behind the last frame.
  std::ofstream(shop.file("evd.state") / "spool" / "spool", std::ios::app) << "EVDF torn";
  evd = shop.launch("evd");
  ASSERT_TRUE(evd->wait_for_output("cut off"));
  ASSERT_TRUE(evd->wait_for_output("listening"));
  ASSERT_EQ(client()->post(event("c"), {k_json}).status, 202);
  server.start();
  ASSERT_TRUE(evd->wait_for_output("the spool is drained"));
  EXPECT_EQ(shop.value("select string_agg(key, ' ' order by id) from evd.event"), "a b c");
}

TEST_F(DaemonSpool, ThatNoEvdHoldsIsDrainedByEvrecover) {
  const Program evd = shop.start_evd();
  go_away(evd);
  ASSERT_EQ(client()->post(event("a"), {k_json}).status, 202);
  evd->signal(SIGKILL);
  evd->wait();
  server.start();
  EXPECT_EQ(shop.evrecover().exit, 0);
  EXPECT_EQ(shop.value("select string_agg(key, ' ' order by id) from evd.event"), "a");
}

TEST_F(DaemonSpool, WhatTheDatabaseRefusesIsKeptAndTold) {
  const Program evd = shop.start_evd();
  go_away(evd);
  const auto http = client();
  ASSERT_EQ(http->post("[" + event("a") + "," + event("b", "unheard") + "]", {k_json}).status, 202);
  ASSERT_EQ(http->post(event("c"), {k_json}).status, 202);
  server.start();
  ASSERT_TRUE(evd->wait_for_output("the spool is drained"));
  EXPECT_EQ(shop.value("select string_agg(key, ' ' order by id) from evd.event"), "a c");
  EXPECT_THAT(spool_text("rejected.ndjson"), HasSubstr("no such event: \\\"unheard\\\""));
  EXPECT_THAT(spool_text("rejected.ndjson"), HasSubstr(event("b", "unheard")));
  ASSERT_TRUE(eventually([&] { return shop.alert("emit_failed").has_value(); }));
  EXPECT_THAT(shop.alert("emit_failed")->dump(), HasSubstr("rejected.ndjson"));
}

TEST_F(DaemonSpool, WithoutRoomIsSaidSo) {
  Settings settings = shop.settings();
  settings["daemon"]["spool_max"] = "\"1KiB\"";
  shop.write_config(settings);
  const Program evd = shop.start_evd();
  go_away(evd);
  const auto http = client();
  int kept = 0;
  HttpReply answer = http->post(event("0"), {k_json});
  for (; answer.status == 202; answer = http->post(event(std::to_string(kept)), {k_json})) ++kept;
  EXPECT_GT(kept, 0);
  EXPECT_EQ(answer.status, 507);
  EXPECT_THAT(answer.body, HasSubstr("spool_max"));
  server.start();
  ASSERT_TRUE(evd->wait_for_output("the spool is drained"));
  EXPECT_EQ(shop.number("select count(*) from evd.event"), kept);
  EXPECT_EQ(http->post(event("after"), {k_json}).status, 201);
}

// Each client sends events with keys of its own, and notes those that were answered.
TEST_F(DaemonSpool, NothingThatWasAnsweredIsLostWhateverIsKilled) {
  Settings settings = shop.settings();
  settings["events.counted"] = {{"handlers", R"(["giveCoupon"])"}};
  shop.write_config(settings);
  Program evd = shop.start_evd();
  std::atomic<bool> is_over{false};
  std::mutex mutex;  // guards answered
  std::set<std::string> answered;
  std::atomic<std::size_t> count{0};
  std::vector<std::jthread> clients;
  for (int n = 0; n < 64; ++n) {
    clients.emplace_back([&, n] {
      auto http = client();
      for (int i = 0; !is_over; ++i) {
        const std::string key = std::to_string(n) + "." + std::to_string(i);
        const auto status = http->post(event(key, "counted"), {k_json}).status;
        if (status == 0) std::this_thread::yield();
        if (status < 200 || status > 202) continue;
        const std::lock_guard lock(mutex);
        answered.insert(key);
        ++count;
      }
    });
  }
  const auto more = [&](std::size_t events) {
    const std::size_t before = count;
    return eventually([&] { return count >= before + events; });
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(more(200));
    stop_server();
    EXPECT_TRUE(more(200)) << "on the disk";
    evd->signal(SIGKILL);
    evd->wait();
    evd = shop.launch("evd");
    EXPECT_TRUE(more(200)) << "by the next evd";
    server.start();
    EXPECT_TRUE(more(200));
  }
  is_over = true;
  clients.clear();
  ASSERT_TRUE(eventually([&] { return spool_text("spool").empty(); }));
  EXPECT_EQ(shop.number("select count(*) from (select key from evd.event where key is not null"
                        " group by key having count(*) > 1) twice"),
            0);
  std::set<std::string> written;
  std::istringstream keys(shop.value("select string_agg(key, ' ') from evd.event"));
  for (std::string key; keys >> key;) written.insert(key);
  std::size_t lost = 0;
  for (const std::string& key : answered) lost += written.contains(key) ? 0 : 1;
  EXPECT_EQ(lost, 0U) << "of " << answered.size();
  const Ids ids = all_ids();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
}

}  // namespace
}  // namespace evd::test
