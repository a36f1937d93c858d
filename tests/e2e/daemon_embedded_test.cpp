// evd with a PostgreSQL of its own.
#include <signal.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

bool serves(const std::filesystem::path& directory) {
  return pg::Cluster({.directory = directory,
                      .bin_dir = {},
                      .settings = {},
                      .fsync = false,
                      .die_with_parent = false})
      .running_pid()
      .has_value();
}

using DaemonEmbedded = DaemonTest;

TEST_F(DaemonEmbedded, BringsItsOwnDatabaseStopsItAndComesBackWithWhatWasInIt) {
  Settings settings = shop.settings();
  settings["events.purchased"]["handlers"] = R"(["lottery"])";
  settings.erase("handlers.giveCoupon");
  shop.write_config(settings);
  const std::filesystem::path directory = shop.file("own");
  for (int start = 1; start <= 2; ++start) {
    const Program evd = shop.launch("evd", {"--embedded=" + directory.string()});
    ASSERT_TRUE(evd->wait_for_output("info ready", std::chrono::seconds{40})) << evd->err();
    std::string url = read_file(directory / "url");
    url.erase(url.find_last_not_of('\n') + 1);
    pg::Connection connection = pg::Connection::open({.url = url,
                                                      .application_name = "test",
                                                      .connect_timeout = std::chrono::seconds{5},
                                                      .settings = {},
                                                      .on_notice = {}});
    EXPECT_EQ(connection.query("select evd.emit('purchased')").int64(0, 0), start);
    EXPECT_TRUE(eventually([&] {
      return connection.query("select count(*) from evd.events where status = 2").int64(0, 0) ==
             start;
    }));
    EXPECT_TRUE(serves(directory));
    evd->signal(SIGTERM);
    EXPECT_EQ(evd->wait(), 0) << evd->err();
    EXPECT_FALSE(serves(directory));
  }
  EXPECT_EQ(shop.count("end"), 2);
}

}  // namespace
}  // namespace evd::test
