// A server that stops at once leaves connections that libpq still calls good.
#include <gtest/gtest.h>

#include "common/pg/pipeline.hpp"
#include "tests/support/postgres.hpp"

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

}  // namespace
}  // namespace evd::pg
