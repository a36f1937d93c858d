// A handler that cannot even be started: others go on, it is told once, and it catches up.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

namespace fs = std::filesystem;

class DaemonBreaker : public DaemonTest {
 protected:
  DaemonBreaker() {
    Settings settings = shop.settings();
    std::vector<std::string> command = shop.exec_script("lottery");
    fs::create_symlink(command.front(), program_);
    command.front() = program_.string();
    settings["handlers.lottery"]["exec"] = nlohmann::json(command).dump();
    shop.write_config(settings);
  }

  void uninstall() { fs::rename(program_, shop.file("elsewhere")); }
  void install() { fs::rename(shop.file("elsewhere"), program_); }
  bool is_open() {
    return shop.value(
               "select breaker_opened_at is not null from evd.handler where name = 'lottery'") ==
           "t";
  }

  const fs::path program_ = shop.file("lottery-program");
};

TEST_F(DaemonBreaker, AHandlerWhoseProgramIsMissingIsToldOnceAndCatchesUpWhenItIsBack) {
  const Program evd = shop.start_evd();
  uninstall();
  Ids ids = shop.emit(200);
  ASSERT_TRUE(eventually([&] { return is_open(); }));
  ASSERT_TRUE(eventually([&] { return shop.alert("stalled").has_value(); }));
  EXPECT_EQ(shop.alert("stalled")->value("handler", ""), "lottery");
  EXPECT_THAT(shop.alert("stalled")->value("last_error", ""),
              testing::HasSubstr("No such file or directory"));
  const Ids more = shop.emit(200);
  ids.insert(ids.end(), more.begin(), more.end());
  EXPECT_TRUE(eventually([&] { return shop.sql_tally(ids) == Tally{}; })) << "the other goes on";
  EXPECT_LT(shop.number("select count(*) from evd.delivery"), 100) << "the rest waits as parts";
  EXPECT_EQ(shop.number("select count(*) from evd.delivery where state = 'escalated'"), 0);
  install();
  EXPECT_TRUE(shop.wait_processed(ids));
  EXPECT_FALSE(is_open());
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
  ASSERT_TRUE(eventually([&] { return shop.alert("recovered").has_value(); }));
}

TEST_F(DaemonBreaker, AResumeMakesNobodyWaitForTheNextProbe) {
  const Program evd = shop.start_evd();
  shop.value(
      "update evd.handler set backoff_base = '1 hour' where name = 'lottery' returning name");
  uninstall();
  shop.emit(50);
  ASSERT_TRUE(eventually([&] { return is_open(); }));
  const Ids ids = shop.emit(5);
  install();
  EXPECT_EQ(shop.value("select evd.resume('lottery')"), "t");
  EXPECT_TRUE(eventually([&] { return shop.has_started(ids.back()); }));
}

}  // namespace
}  // namespace evd::test
