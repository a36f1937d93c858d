// evd_test_postgres start|stop DIR: the PostgreSQL that the tests of one ctest run share. `start`
// prints its URL, which DIR/url holds too. Both may be repeated. A server whose DIR is removed ends
// by itself: PostgreSQL looks for its pid file every minute.
#include <exception>
#include <iostream>
#include <string>

#include "common/pg/cluster.hpp"
#include "tests/support/postgres.hpp"

namespace {

void start(evd::pg::Cluster& cluster) {
  if (!cluster.running_pid()) {
    cluster.start();
    cluster.detach();
  }
  std::cout << cluster.url() << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc == 3 ? argv[1] : "";
  if (verb != "start" && verb != "stop") {
    std::cerr << "usage: evd_test_postgres start|stop DIR\n";
    return 2;
  }
  try {
    evd::pg::Cluster cluster({.directory = argv[2],
                              .bin_dir = {},
                              .settings = evd::test::test_cluster_settings(),
                              .fsync = false,
                              .die_with_parent = false});
    if (verb == "start") {
      start(cluster);
    } else {
      cluster.stop(evd::pg::StopMode::k_immediate);
    }
  } catch (const std::exception& error) {
    std::cerr << "evd_test_postgres: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
