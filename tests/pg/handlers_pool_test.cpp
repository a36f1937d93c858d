#include <gtest/gtest.h>

#include <thread>

#include "common/pg/pool.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/wait.hpp"

namespace evd::pg {
namespace {

class PoolTest : public testing::Test {
 protected:
  Pool make(int size) {
    return Pool({.url = database_.url(), .application_name = {}, .settings = {}, .on_notice = {}},
                size);
  }

  test::TestDatabase database_;
};

TEST_F(PoolTest, OpensLazilyAndUsesASessionAgain) {
  Pool pool = make(2);
  EXPECT_EQ(pool.open_connections(), 0);
  const int first = (*pool.lease())->backend_pid();
  EXPECT_EQ((*pool.lease())->backend_pid(), first);
  EXPECT_EQ(pool.open_connections(), 1);
}

TEST_F(PoolTest, BlocksUntilASessionIsFree) {
  Pool pool = make(1);
  auto held = pool.lease();
  std::atomic<int> pid = 0;
  std::jthread waiter([&] { pid = (*pool.lease())->backend_pid(); });
  EXPECT_FALSE(test::eventually([&] { return pid != 0; }, std::chrono::milliseconds{50}));
  const int expected = (*held)->backend_pid();
  held.reset();
  EXPECT_TRUE(test::eventually([&] { return pid == expected; }));
}

TEST_F(PoolTest, StopsWaitingWhenAsked) {
  Pool pool = make(1);
  const auto held = pool.lease();
  std::stop_source stop;
  std::atomic<bool> ended = false;
  std::jthread waiter([&] {
    EXPECT_FALSE(pool.lease(stop.get_token()));
    ended = true;
  });
  stop.request_stop();
  EXPECT_TRUE(test::eventually([&] { return ended.load(); }));
}

TEST_F(PoolTest, LeasesNoSessionThatTheServerEndedMeanwhile) {
  Pool pool = make(1);
  const std::string idle = std::to_string((*pool.lease())->backend_pid());
  database_.connect().run_script("select pg_terminate_backend(" + idle + ", 10000)");
  EXPECT_EQ((*pool.lease())->query("select 1").int32(0, 0), 1);
}

TEST_F(PoolTest, DropsSessionsThatAreBrokenOrInATransaction) {
  Pool pool = make(1);
  {
    auto lease = pool.lease();
    EXPECT_THROW((*lease)->query("select pg_terminate_backend(pg_backend_pid())"), Error);
  }
  EXPECT_EQ(pool.open_connections(), 0);
  (*pool.lease())->run_script("begin");
  EXPECT_EQ(pool.open_connections(), 0);
  pool.lease()->discard();
  EXPECT_EQ(pool.open_connections(), 0);
  EXPECT_NO_THROW((*pool.lease())->query("select 1"));
}

TEST_F(PoolTest, CanBeAskedAgainAfterAFailureToConnect) {
  Pool pool({.url = "postgresql:///none?host=/nowhere",
             .application_name = {},
             .settings = {},
             .on_notice = {}},
            1);
  EXPECT_THROW(pool.lease(), Error);
  EXPECT_THROW(pool.lease(), Error);
  EXPECT_EQ(pool.open_connections(), 0);
}

}  // namespace
}  // namespace evd::pg
