// tail: what happens, as it happens.
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/e2e/evctl_fixture.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class EvctlTail : public InstalledEvctl {
 protected:
  // Once it follows: an event from before it does is not shown.
  std::unique_ptr<ChildProcess> start(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {program(), "--database", database_.url(), "tail"});
    auto tail = std::make_unique<ChildProcess>(flags);
    EXPECT_TRUE(eventually([&] {
      return number(connection,
                    "select count(*) from pg_stat_activity where application_name = 'evctl'"
                    " and datname = current_database() and state = 'idle'"
                    " and query like '%pg_visible_in_snapshot%'") == 1;
    }));
    return tail;
  }
  static bool shows(ChildProcess& tail, const std::string& text) {
    return eventually([&] { return tail.out().find(text) != std::string::npos; });
  }

  pg::Connection connection = database_.connect();
};

TEST_F(EvctlTail, ShowsEventsAsTheyComeAndEnd) {
  emit("\"before\"");
  auto late = database_.connect();
  late.query("begin");
  value(late, "select evd.emit('purchased', '\"late\"')");
  const auto tail = start();
  emit("[12345678901234567890.50]");
  EXPECT_TRUE(shows(*tail, "  3  purchased  emitted  [12345678901234567890.50]\n")) << tail->out();
  late.query("commit");
  EXPECT_TRUE(shows(*tail, "  2  purchased  emitted  \"late\"\n")) << tail->out();
  take_all("failed", "no coupon left");
  EXPECT_TRUE(shows(*tail, "  3  purchased  escalated  done: lottery")) << tail->out();
  EXPECT_EQ(evctl({"resolve", "3", "--why", "by hand"}).exit, 0);
  EXPECT_TRUE(shows(*tail, "  3  purchased  processed  done: lottery  resolved: giveCoupon"))
      << tail->out();
  EXPECT_THAT(tail->out(), Not(HasSubstr("before")));
  tail->signal(SIGINT);
  tail->wait();
}

TEST_F(EvctlTail, ShowsOneNameAsJson) {
  EXPECT_EQ(
      run_bare({"--config", config("[events.other]\nhandlers = [\"lottery\"]\n"), "apply"}).exit,
      0);
  const auto tail = start({"--event", "other", "--json"});
  emit();
  EXPECT_EQ(evctl({"emit", "other", "7"}).exit, 0);
  EXPECT_TRUE(shows(*tail, "\n")) << tail->err();
  const auto event = nlohmann::json::parse(tail->out());
  EXPECT_EQ(event.at("event_name"), "other");
  EXPECT_EQ(event.at("state"), "emitted");
  EXPECT_EQ(event.at("args"), 7);
  tail->signal(SIGINT);
  tail->wait();
}

}  // namespace
}  // namespace evd::test
