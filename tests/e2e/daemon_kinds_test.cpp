// One event for handlers of every kind, while what runs them is killed.
#include <signal.h>

#include <set>

#include "tests/support/daemon_fixture.hpp"
#include "tests/support/http_server.hpp"

namespace evd::test {
namespace {

class DaemonKinds : public DaemonTest {
 protected:
  DaemonKinds() {
    Settings settings = shop.settings();
    settings["events.purchased"]["handlers"] = R"(["giveCoupon", "lottery", "score", "crm"])";
    const std::string example = EVD_SOURCE_DIR "/docs/examples/worker/score.py";
    settings["handlers.score"] = {{"worker", R"(["python3", ")" + example + R"("])"},
                                  {"processes", "2"}};
    settings["handlers.crm"] = {{"http", R"({ url = ")" + server.url("/crm") + R"(" })"}};
    shop.write_config(settings);
  }

  std::set<std::string> posted() const {
    std::set<std::string> ids;
    for (const HttpRequest& request : server.requests())
      ids.insert(request.headers.at("webhook-id"));
    return ids;
  }

  Ids emit_purchases(int count) {
    Ids ids;
    for (int i = 0; i < count; ++i) ids.push_back(shop.emit_one(R"(["user A", 5000])"));
    return ids;
  }

  void expect_all(const Ids& ids) {
    EXPECT_TRUE(shop.wait_processed(ids));
    EXPECT_EQ(shop.sql_tally(ids), Tally{});
    EXPECT_EQ(shop.exec_tally(ids).lost, 0);
    const std::set<std::string> crm = posted();
    for (const std::int64_t id : ids)
      EXPECT_TRUE(crm.contains("test:" + std::to_string(id) + ":crm")) << id;
  }

  HttpServer server;
};

TEST_F(DaemonKinds, EachRunsEveryEventThoughEvdIsKilled) {
  Program evd = shop.start_evd();
  Ids ids = emit_purchases(100);
  ASSERT_TRUE(eventually([&] { return shop.count("end") > 5; }));
  evd->signal_group(SIGKILL);
  evd->wait();
  const Ids more = emit_purchases(50);
  ids.insert(ids.end(), more.begin(), more.end());
  evd = shop.start_evd();
  expect_all(ids);
  EXPECT_EQ(shop.number("select count(*) from evd.attempt where handler in ('score', 'crm')"), 0)
      << "nothing failed";
}

TEST_F(DaemonKinds, EachIsRunByAPassOfEvrecover) {
  shop.apply();
  const Ids ids = emit_purchases(20);
  const RunResult pass = shop.evrecover();
  EXPECT_EQ(pass.exit, 0) << pass.err;
  expect_all(ids);
}

TEST_F(DaemonKinds, AServiceThatRefusesIsToldWithItsAnswer) {
  const Program evd = shop.start_evd();
  server.script({{410, "no such customer", {}}});
  const Ids ids = emit_purchases(1);
  ASSERT_TRUE(eventually([&] { return shop.alert("escalated").has_value(); }));
  EXPECT_EQ(shop.alert("escalated")->value("handler", ""), "crm");
  EXPECT_EQ(shop.alert("escalated")->value("last_error", ""),
            "127.0.0.1 answered 410: no such customer");
  shop.value("select evd.re_emit($1)", pg::params(ids[0]));
  expect_all(ids);
}

}  // namespace
}  // namespace evd::test
