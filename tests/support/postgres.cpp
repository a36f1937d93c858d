#include "tests/support/postgres.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include "common/base/error.hpp"

namespace evd::test {

namespace {

// Started at the first use and stopped when the process ends.
struct OwnServer {
  TempDir directory;
  pg::Cluster cluster;

  OwnServer()
      : cluster({.directory = directory.path(),
                 .bin_dir = {},
                 .settings = test_cluster_settings(),
                 .fsync = false,
                 .die_with_parent = true}) {
    cluster.start();
  }
};

std::string unique_name() {
  std::random_device random;
  return "t_" + std::to_string(::getpid()) + "_" + std::to_string(random());
}

// "postgresql://host/db?x" -> "postgresql://host/other?x"; the database may be absent.
std::string with_database(const std::string& url, const std::string& database) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) throw Error("EVD_TEST_PG_URL must be a postgresql:// URL");
  const auto query = std::min(url.find('?'), url.size());
  const auto slash = std::min(url.find('/', scheme_end + 3), query);
  return url.substr(0, slash) + "/" + database + url.substr(query);
}

std::string server_base_url() {
  if (const char* directory = std::getenv("EVD_TEST_PG_DIR")) {
    std::string url = read_file(std::filesystem::path(directory) / "url");
    while (!url.empty() && url.back() == '\n') url.pop_back();
    return url;
  }
  if (const char* url = std::getenv("EVD_TEST_PG_URL")) return url;
  static const OwnServer server;
  return server.cluster.url();
}

pg::Connection connect_to(const std::string& url,
                          std::vector<std::pair<std::string, std::string>> settings = {}) {
  return pg::Connection::open({.url = url,
                               .application_name = "evd_tests",
                               .connect_timeout = std::chrono::seconds{30},
                               .settings = std::move(settings),
                               .on_notice = {}});
}

// A database with prepared transactions cannot be dropped.
void forget_prepared_transactions(pg::Connection connection) {
  const auto prepared =
      connection.query("select gid from pg_prepared_xacts where database = current_database()");
  for (int i = 0; i < prepared.rows(); ++i) {
    connection.query("rollback prepared " + connection.escape_literal(prepared.string(i, 0)));
  }
}

}  // namespace

std::vector<std::string> test_cluster_settings() {
  return {"max_connections = 300", "shared_buffers = 128MB", "max_prepared_transactions = 20",
          "log_min_messages = warning"};
}

std::string shared_server_url(const std::string& database) {
  return with_database(server_base_url(), database);
}

TestDatabase::TestDatabase() : name_(unique_name()), url_(shared_server_url(name_)) {
  // Not template1, which cannot be copied while anyone is connected to it.
  connect_to(shared_server_url()).query("create database " + name_ + " template template0");
}

TestDatabase::~TestDatabase() {
  try {
    forget_prepared_transactions(connect_to(url_));
    connect_to(shared_server_url()).query("drop database if exists " + name_ + " with (force)");
  } catch (const std::exception& error) {
    std::cerr << "the database " << name_ << " stays behind: " << error.what() << "\n";
  }
}

pg::Connection TestDatabase::connect(
    std::vector<std::pair<std::string, std::string>> settings) const {
  return connect_to(url_, std::move(settings));
}

PrivateCluster::PrivateCluster(std::vector<std::string> settings, bool fsync)
    : cluster_({.directory = directory_.path(),
                .bin_dir = {},
                .settings = std::move(settings),
                .fsync = fsync,
                .die_with_parent = true}) {
  cluster_.start();
}

pg::Connection PrivateCluster::connect(const std::string& database) const {
  return connect_to(url(database));
}

}  // namespace evd::test
