// A server that stops at once leaves connections that libpq still calls good.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "common/pg/pipeline.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/wait.hpp"

namespace evd::pg {
namespace {

TEST(PgLostConnection, IsToldByTheFirstStatementAfterAnImmediateStop) {
  test::PrivateCluster server;
  Connection connection = server.connect();
  server.stop(StopMode::k_immediate);
  try {
    connection.query("select 1");
    ADD_FAILURE() << "the server is gone";
  } catch (const Error& error) {
    EXPECT_TRUE(error.connection_lost()) << error.what();
  }
}

TEST(PgLostConnection, EndsAPipelineThatNothingAnswers) {
  test::PrivateCluster server;
  Connection connection = server.connect();
  server.stop(StopMode::k_immediate);
  PipelineOutcome outcome;
  {
    Pipeline pipeline(connection);
    for (int i = 0; i < 3; ++i) pipeline.send("select 1");
    outcome = pipeline.sync();
  }
  ASSERT_TRUE(outcome.error);
  EXPECT_TRUE(outcome.error->connection_lost()) << outcome.error->what();
  EXPECT_EQ(outcome.failed, 0U);
  EXPECT_FALSE(connection.is_open());
}

// The server says so in a warning, and ends the session without another word.
TEST(PgLostConnection, SaysThatAnotherSessionCrashedTheServer) {
  test::PrivateCluster server;
  Connection crashing = server.connect();
  Connection connection = server.connect();
  std::string sqlstate = "none";
  std::jthread waiting([&] {
    try {
      connection.query("select pg_sleep(600)");
    } catch (const Error& error) {
      sqlstate = error.sqlstate();
      EXPECT_TRUE(error.connection_lost());
    }
  });
  Connection observer = server.connect();
  ASSERT_TRUE(test::eventually([&] {
    return !observer.query("select from pg_stat_activity where wait_event = 'PgSleep'").empty();
  }));
  ASSERT_EQ(::kill(crashing.backend_pid(), SIGKILL), 0);
  waiting.join();
  EXPECT_EQ(sqlstate, "57P02");
}

}  // namespace
}  // namespace evd::pg
