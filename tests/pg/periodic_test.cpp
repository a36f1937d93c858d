#include "daemon/periodic.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "common/logging/recording_logger.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

TEST(Periodic, ConnectsAgainAsSoonAfterManyLossesAsAfterTheFirst) {
  const TestDatabase database;
  pg::Connection other = database.connect();
  logging::RecordingLogger logger;
  std::atomic<int> pid = 0, losses = 0;
  const daemon::Periodic periodic(
      {.url = database.url(), .application_name = "test", .settings = {}, .on_notice = {}},
      Milliseconds{5}, logger,
      [&](pg::Connection& connection) {
        connection.query("select 1");
        pid = connection.backend_pid();
      },
      [&](const pg::Error&) { ++losses; });
  ASSERT_TRUE(eventually([&] { return pid != 0; }));
  // Were the pauses to grow from loss to loss, these would take minutes.
  for (int loss = 0; loss < 40; ++loss) {
    const int before = pid;
    other.query("select pg_terminate_backend($1)", pg::params(before));
    ASSERT_TRUE(eventually([&] { return pid != before; })) << loss;
  }
  EXPECT_GE(losses, 40);
}

}  // namespace
}  // namespace evd::test
