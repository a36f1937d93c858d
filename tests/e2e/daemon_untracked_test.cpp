// Events that are not tracked: run at once, written nowhere, and kept in a file when they fail.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/daemon_fixture.hpp"
#include "tests/support/http_client.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;

const std::string k_json = "Content-Type: application/json";

class DaemonUntracked : public DaemonTest {
 protected:
  Program start(const std::string& reliability) {
    Settings settings = shop.settings();
    settings["events.clicked"] = {{"handlers", R"(["lottery"])"},
                                  {"reliability", "\"" + reliability + "\""}};
    shop.write_config(settings);
    return shop.start_evd();
  }

  HttpReply post(const std::string& body) {
    return HttpClient("http://localhost", shop.file("evd.sock").string()).post(body, {k_json});
  }

  std::filesystem::path lost() const {
    const auto directory = shop.file("evd.state") / "lost";
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
      return entry.path();
    return directory / "none";
  }

  std::string lost_text() const {
    std::ifstream file(lost());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
};

TEST_F(DaemonUntracked, AreRunAtOnceAndWrittenNowhere) {
  const Program evd = start("best_effort");
  const HttpReply answer =
      post(R"([{"event_name": "clicked", "args": [1.50]}, {"event_name": "clicked"}])");
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(answer.parsed().at("untracked"), 2);
  EXPECT_TRUE(eventually([&] { return shop.count("end") == 2; }));
  EXPECT_EQ(shop.number("select count(*) from evd.event"), 0);
  EXPECT_EQ(post(R"({"event_name": "purchased"})").status, 201) << "others are tracked";
  EXPECT_EQ(post(R"([{"event_name": "purchased"}, {"event_name": "clicked"}])").status, 400);
}

TEST_F(DaemonUntracked, WhatFailsOfBestEffortIsOnlyCounted) {
  const Program evd = start("best_effort");
  shop.fail();
  ASSERT_EQ(post(R"({"event_name": "clicked"})").status, 202);
  EXPECT_TRUE(eventually([&] {
    return shop.http_body("/metrics").find("evd_untracked_failed_total 1") != std::string::npos;
  }));
  EXPECT_EQ(lost_text(), "");
}

TEST_F(DaemonUntracked, WhatFailsOfAlertIsKeptAndTold) {
  const Program evd = start("alert");
  shop.fail();
  ASSERT_EQ(post("{\"event_name\": \"clicked\",\n \"args\": {\"total\": 1.50}}").status, 202);
  ASSERT_TRUE(eventually([&] { return !lost_text().empty(); }));
  EXPECT_EQ(lost_text(), "{\"event_name\": \"clicked\",  \"args\": {\"total\": 1.50}}\n");
  ASSERT_TRUE(eventually([&] { return shop.alert("emit_failed").has_value(); }));
  EXPECT_THAT(shop.alert("emit_failed")->dump(), HasSubstr("clicked"));
  shop.mend();
  const auto emitted =
      run({evd_binary("evctl"), "--config", shop.config_path(), "emit", "--file", lost().string()});
  EXPECT_EQ(emitted.exit, 0) << emitted.err;
  EXPECT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.events where state = 'processed'") == 1;
  })) << "what is emitted in SQL is tracked";
}

TEST_F(DaemonUntracked, WhatRunsMayEndBeforeItStops) {
  const Program evd = start("alert");
  shop.hold();
  ASSERT_EQ(post(R"({"event_name": "clicked"})").status, 202);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 1; }));
  evd->signal(SIGTERM);
  shop.release();
  EXPECT_EQ(evd->wait(), 0);
  EXPECT_EQ(shop.count("end"), 1);
  EXPECT_EQ(lost_text(), "");
}

TEST_F(DaemonUntracked, AnSqlHandlerNeedsThemTracked) {
  Settings settings = shop.settings();
  settings["events.purchased"]["reliability"] = "\"alert\"";
  shop.write_config(settings);
  const Program evd = shop.launch("evd");
  EXPECT_EQ(evd->wait(), 2);
  EXPECT_THAT(evd->err(), HasSubstr("giveCoupon"));
}

}  // namespace
}  // namespace evd::test
