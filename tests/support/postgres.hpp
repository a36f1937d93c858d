// PostgreSQL for tests. Databases live in one shared server: that of the directory EVD_TEST_PG_DIR
// (as `evd_test_postgres start` leaves it), or at EVD_TEST_PG_URL, or else one started for this
// process and stopped at its end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/pg/cluster.hpp"
#include "common/pg/connection.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::test {

// What the shared server and the private ones run with.
std::vector<std::string> test_cluster_settings();

// The shared server's superuser URL; `database` replaces the one it names.
std::string shared_server_url(const std::string& database = "postgres");

// A fresh, empty database in the shared server, dropped at the end with whoever is connected.
class TestDatabase {
 public:
  TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase();

  const std::string& name() const { return name_; }
  const std::string& url() const { return url_; }
  pg::Connection connect(std::vector<std::pair<std::string, std::string>> settings = {}) const;

 private:
  std::string name_;
  std::string url_;
};

// A server of one test's own, started, for tests that stop or kill PostgreSQL. fsync is on by
// default, so that a kill is as in life.
class PrivateCluster {
 public:
  explicit PrivateCluster(std::vector<std::string> settings = {}, bool fsync = true);

  pg::Cluster& cluster() { return cluster_; }
  std::string url(const std::string& database = "postgres") const { return cluster_.url(database); }
  pg::Connection connect(const std::string& database = "postgres") const;

  void kill() { cluster_.kill_postmaster(); }
  void stop(pg::StopMode mode = pg::StopMode::k_fast) { cluster_.stop(mode); }
  void start() { cluster_.start(); }

 private:
  TempDir directory_;
  pg::Cluster cluster_;
};

}  // namespace evd::test
