#include <gtest/gtest.h>

#include "common/alert/exec_channel.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::alert {
namespace {

ChannelConfig shell(const std::string& script) {
  ChannelConfig config;
  config.name = "pager";
  config.command = {"/bin/sh", "-c", script};
  return config;
}

Alert some_alert() {
  Alert alert;
  alert.id = "A17";
  alert.kind = "escalated";
  return alert;
}

TEST(ExecChannel, GivesTheAlertOnStdin) {
  const test::TempDir directory;
  const std::string file = directory / "got";
  ExecChannel channel(shell("cat > " + file + "; echo $EVD_ALERT_ID >> " + file));
  EXPECT_EQ(channel.send(some_alert()), std::nullopt);
  const std::string got = test::read_file(file);
  EXPECT_EQ(parse_alert(got.substr(0, got.find('\n'))).id, "A17");
  EXPECT_NE(got.find("\nA17\n"), got.npos);
}

TEST(ExecChannel, TakesAnAlertLargerThanAPipeByAProgramThatReadsNothing) {
  Alert alert = some_alert();
  alert.last_error = std::string(1 << 20, 'x');
  EXPECT_EQ(ExecChannel(shell("exit 0")).send(alert), std::nullopt);
}

TEST(ExecChannel, FailsWithTheExitCodeAndTheEndOfStderr) {
  const auto failure = ExecChannel(shell("echo no modem >&2; exit 3")).send(some_alert());
  EXPECT_EQ(failure, "/bin/sh exited with 3: no modem");
}

TEST(ExecChannel, FailsWhenTheProgramIsNotThere) {
  ChannelConfig config;
  config.name = "pager";
  config.command = {"/no/such/program"};
  const auto failure = ExecChannel(config).send(some_alert());
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->find("/no/such/program"), std::string::npos);
}

TEST(ExecChannel, KillsWhatTakesTooLongWithItsChildren) {
  ExecChannel channel(shell("sleep 600 & sleep 600"), Milliseconds{100});
  EXPECT_EQ(channel.send(some_alert()), "/bin/sh took too long and was killed");
}

TEST(ExecChannel, DoesNotWaitForWhatTheProgramLeftBehind) {
  ExecChannel channel(shell("sleep 5 & exit 0"), Milliseconds{60'000});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(channel.send(some_alert()), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{4});
}

}  // namespace
}  // namespace evd::alert
