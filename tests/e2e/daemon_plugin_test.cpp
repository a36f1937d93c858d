// Handlers that are shared objects in the real programs.
#include <signal.h>

#include <cstdlib>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

class DaemonPlugin : public DaemonTest {
 protected:
  void SetUp() override {
    // Where the programs are built with a sanitizer, a crash is to be one all the same.
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) ::setenv(name, "handle_segv=0", 0);
    Settings settings = shop.settings();
    settings["events.scored"] = {{"handlers", R"(["score"])"}};
    settings["handlers.score"] = {
        {"plugin", "\"" + std::string(std::getenv("EVD_PLUGIN_DIR")) + "/evd_test_obedient.so\""},
        {"max_attempts", "3"}};
    shop.write_config(settings);
  }

  bool wait_settled(std::size_t count) {
    return eventually([&] {
      return shop.number(
                 "select count(*) from evd.events where event_name = 'scored' and "
                 "status in (2, 3)") == static_cast<int>(count);
    });
  }
};

TEST_F(DaemonPlugin, RunsAndWhatFailsIsRetriedAndEscalated) {
  const Program evd = shop.start_evd();
  Ids ids = shop.emit(500, "scored");
  ids.push_back(shop.emit_one("\"permanent\"", "scored"));
  ids.push_back(shop.emit_one("\"fail\"", "scored"));
  EXPECT_TRUE(wait_settled(ids.size()));
  EXPECT_EQ(
      shop.number("select count(*) from evd.events where event_name = 'scored' and status = 2"),
      500);
  EXPECT_EQ(shop.value("select string_agg(attempts || ' ' || last_error, ', ' order by event_id) "
                       "from evd.deliveries"),
            "1 never, 3 as it was told");
}

// Restarted as systemd would. The crash takes all that its calls were in the middle of; these then
// run alone.
TEST_F(DaemonPlugin, AnEventThatCrashesItEscalatesAloneAndTheInnocentAreDone) {
  Program evd = shop.start_evd();
  shop.value("begin");
  Ids ids = shop.emit(50, "scored");
  const std::int64_t guilty = shop.emit_one("\"crash\"", "scored");
  const Ids more = shop.emit(50, "scored");
  shop.value("commit");
  EXPECT_EQ(evd->wait(), 128 + SIGSEGV);
  evd = shop.start_evd();
  EXPECT_TRUE(wait_settled(101));
  EXPECT_EQ(shop.value("select string_agg(id::text, ',') from evd.events where status = 3"),
            std::to_string(guilty));
  EXPECT_EQ(
      shop.number("select count(*) from evd.events where event_name = 'scored' and status = 2"),
      100);
  EXPECT_EQ(shop.number("select attempts from evd.deliveries where state = 'escalated'"), 3);
  EXPECT_EQ(shop.number("select max(attempts) from evd.deliveries where state = 'done'"), 2)
      << "the crash, and the time alone";
  EXPECT_TRUE(eventually([&] { return shop.alert("escalated").has_value(); }));
}

TEST_F(DaemonPlugin, EvrecoverRunsItToo) {
  shop.apply();
  const Ids ids = shop.emit(5, "scored");
  EXPECT_EQ(shop.evrecover({"--until-idle"}).exit, 0);
  EXPECT_TRUE(shop.all_processed(ids));
}

TEST_F(DaemonPlugin, OneThatCannotBeLoadedIsRefusedWhenTheConfigurationIsChecked) {
  Settings settings = shop.settings();
  settings["handlers.score"] = {{"plugin", "\"/nowhere/score.so\""}};
  shop.write_config(settings);
  const Program evd = shop.launch("evd", {"--check-config"});
  EXPECT_EQ(evd->wait(), 2);
  EXPECT_TRUE(evd->wait_for_output("/nowhere/score.so"));
}

}  // namespace
}  // namespace evd::test
