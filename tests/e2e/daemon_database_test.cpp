// PostgreSQL goes and comes back while evd lives.
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

// Emits one at a time until it is told to stop; keeps the ids of those that committed.
class Emitter {
 public:
  explicit Emitter(const std::string& url)
      : thread_([this, url](const std::stop_token& stop) { run(url, stop); }) {}

  Ids stop() {
    thread_.request_stop();
    thread_.join();
    return ids_;
  }
  std::size_t count() const { return count_; }

 private:
  void run(const std::string& url, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      try {
        pg::Connection connection =
            pg::Connection::open({.url = url,
                                  .application_name = "emitter",
                                  .connect_timeout = std::chrono::seconds{5},
                                  .settings = {},
                                  .on_notice = {}});
        while (!stop.stop_requested()) emit(connection);
      } catch (const pg::Error&) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
      }
    }
  }
  void emit(pg::Connection& connection) {
    ids_.push_back(connection.query("select evd.emit('purchased')").int64(0, 0));
    ++count_;
    std::this_thread::sleep_for(std::chrono::milliseconds{4});  // a load that exec keeps up with
  }

  Ids ids_;
  std::atomic<std::size_t> count_ = 0;
  std::jthread thread_;
};

// Those that ran when a connection went, and no more, may have run again.
void expect_nothing_lost(Shop& shop, const Ids& ids) {
  EXPECT_EQ(shop.sql_tally(ids).lost, 0);
  EXPECT_EQ(shop.sql_tally(ids).repeated, 0);
  EXPECT_EQ(shop.exec_tally(ids).lost, 0);
  EXPECT_EQ(shop.exec_tally(ids).alien, 0);
}

using DaemonDatabaseServer = OwnServerTest;

TEST_F(DaemonDatabaseServer, StoppedAndStartedUnderLoadLosesNothing) {
  const Program evd = shop.start_evd();
  Emitter emitter(shop.url());
  for (int round = 0; round < 2; ++round) {
    const std::size_t before = emitter.count();
    ASSERT_TRUE(eventually([&] { return emitter.count() > before + 100; }));
    server.stop(pg::StopMode::k_immediate);
    EXPECT_EQ(shop.http_status("/healthz"), 200);
    EXPECT_TRUE(eventually([&] { return shop.http_status("/readyz") == 503; }));
    server.start();
    EXPECT_TRUE(eventually([&] { return shop.http_status("/readyz") == 200; })) << evd->err();
  }
  const Ids ids = emitter.stop();
  EXPECT_THROW(shop.value("select 1"), pg::Error);  // its connection is from before
  EXPECT_TRUE(shop.wait_processed(ids)) << evd->err();
  expect_nothing_lost(shop, ids);
}

TEST_F(DaemonDatabaseServer, EvdThatStartsBeforeItBecomesReadyWhenItIsThere) {
  server.stop();
  const Program evd = shop.launch("evd");
  EXPECT_TRUE(eventually([&] { return shop.http_status("/healthz") == 200; }));
  EXPECT_TRUE(evd->wait_for_output("out of reach"));
  EXPECT_EQ(shop.http_status("/readyz"), 503);
  EXPECT_EQ(shop.http_status("/nowhere"), 404);
  server.start();
  EXPECT_TRUE(eventually([&] { return shop.http_status("/readyz") == 200; })) << evd->err();
  EXPECT_EQ(shop.http_status("/healthz"), 200);
  EXPECT_THROW(shop.value("select 1"), pg::Error);
  const Ids ids = shop.emit(5);
  EXPECT_TRUE(shop.wait_processed(ids));
  // It complained once, not at every try.
  const std::string log = evd->err();
  EXPECT_EQ(log.find("out of reach"), log.rfind("out of reach"));
}

}  // namespace
}  // namespace evd::test
