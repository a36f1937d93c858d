// The private server's life, and what connecting may tell of a password.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "common/base/error.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

namespace evd::pg {
namespace {

using test::eventually;
using test::PrivateCluster;
using test::TempDir;

std::string what_of(auto&& action) {
  try {
    action();
  } catch (const evd::Error& error) {
    return error.what();
  }
  return "no error";
}

Connection connect_as(const std::string& url) {
  return Connection::open({.url = url,
                           .application_name = "evd",
                           .connect_timeout = std::chrono::seconds{5},
                           .settings = {},
                           .on_notice = {}});
}

TEST(PgCluster, StopsStartsAndComesBackAfterAKillWithWhatWasCommitted) {
  PrivateCluster server;
  Connection c = server.connect();
  c.run_script("create table t as select 42 as a");
  server.kill();
  // A session outlives its postmaster until it notices, so the first statements may still be
  // answered.
  EXPECT_TRUE(eventually([&] {
    try {
      c.query("select 1");
      return false;
    } catch (const Error& error) {
      return error.connection_lost();
    }
  }));
  EXPECT_FALSE(server.cluster().running_pid());
  server.start();
  EXPECT_EQ(server.connect().query("select a from t").int64(0, 0), 42);
  server.stop(StopMode::k_immediate);
  EXPECT_FALSE(server.cluster().running_pid());
  const Error away = [&]() -> Error {
    try {
      server.connect();
    } catch (const Error& error) {
      return error;
    }
    return make_error("", "connected");
  }();
  EXPECT_TRUE(away.connection_lost());
  server.start();
  EXPECT_EQ(server.connect().query("select a from t").int64(0, 0), 42);
}

TEST(PgCluster, ASecondStartInTheSameDirectoryIsRefused) {
  PrivateCluster server;
  Cluster second({.directory = server.cluster().directory(), .bin_dir = {}, .settings = {}});
  const std::string what = what_of([&] { second.start(); });
  EXPECT_NE(what.find("already runs in"), std::string::npos) << what;
  EXPECT_NO_THROW(server.connect());
}

TEST(PgCluster, AStalePidFileWhoseNumberIsAnotherProcessDoesNotMatter) {
  PrivateCluster server;
  server.stop();
  std::ofstream(server.cluster().data_directory() / "postmaster.pid") << ::getpid() << "\n";
  server.start();
  EXPECT_NO_THROW(server.connect());
}

TEST(PgCluster, AServerThatDoesNotStartSaysWhyInOneLine) {
  const TempDir directory;
  Cluster cluster({.directory = directory.path(),
                   .bin_dir = {},
                   .settings = {"no_such_setting = 1"},
                   .fsync = false});
  const std::string what = what_of([&] { cluster.start(); });
  EXPECT_NE(what.find("no_such_setting"), std::string::npos) << what;
  EXPECT_EQ(what.find('\n'), std::string::npos);
}

TEST(PgCluster, ALongDirectoryAndOddCharactersWork) {
  const TempDir directory;
  const auto longer = directory / (std::string(100, 'd') + " it's é");
  Cluster cluster({.directory = longer, .bin_dir = {}, .settings = {}, .fsync = false});
  cluster.start();
  EXPECT_EQ(connect_as(cluster.url()).query("select current_user").string(0, 0), "evd");
  const auto socket_directory = cluster.socket_directory();
  cluster.stop();
  std::filesystem::remove_all(socket_directory);
  cluster.start();  // whatever cleans /tmp
  EXPECT_NO_THROW(connect_as(cluster.url()));
  std::filesystem::remove_all(cluster.socket_directory());
}

TEST(PgCluster, TheFixtureProgramMayRepeatItself) {
  const TempDir directory;
  const auto program =
      std::filesystem::canonical("/proc/self/exe").parent_path() / "evd_test_postgres";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << program << " is not built";
  const auto run = [&](const char* verb) { return test::run({program, verb, directory.path()}); };
  EXPECT_EQ(run("stop").exit, 0);
  const auto first = run("start");
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(run("start").out, first.out);
  EXPECT_EQ(test::read_file(directory / "url"), first.out);
  EXPECT_NO_THROW(connect_as(first.out.substr(0, first.out.size() - 1)));
  EXPECT_EQ(run("stop").exit, 0);
  EXPECT_EQ(run("stop").exit, 0);
}

TEST(PgPassword, AWrongOneIsToldWithoutIt) {
  PrivateCluster server({}, false);
  std::ofstream(server.cluster().data_directory() / "pg_hba.conf")
      << "local all evd trust\nlocal all joe scram-sha-256\n";
  Cluster& cluster = server.cluster();
  const std::string host = cluster.socket_directory();
  Connection admin = connect_as("postgresql:///postgres?host=" + host + "&port=5432&user=evd");
  admin.run_script("select pg_reload_conf(); create role joe login password 'right'");
  const auto refused = [&](const std::string& password) -> Error {
    try {
      connect_as("postgresql://joe:" + password + "@/postgres?port=5432&host=" + host);
    } catch (const Error& error) {
      return error;
    }
    return make_error("", "connected");
  };
  ASSERT_TRUE(test::eventually([&] { return refused("s3cret").authentication_failed(); }));
  const Error e = refused("s3cret");
  EXPECT_EQ(e.sqlstate(), "28P01");
  EXPECT_TRUE(e.connection_lost());
  const std::string what = e.what();
  EXPECT_NE(what.find("password authentication failed"), std::string::npos) << what;
  EXPECT_EQ(what.find("s3cret"), std::string::npos) << what;
  EXPECT_EQ(what.find("LOCATION"), std::string::npos) << what;
  EXPECT_EQ(what.find('\n'), std::string::npos);
}

TEST(PgPassword, IsNeverPartOfAnErrorHoweverTheUrlIsBroken) {
  for (const std::string url :
       {"postgresql://u:s3cret@127.0.0.1:1/db", "postgresql://u:x@s3cret@127.0.0.1:1/db",
        "postgresql://u:x/s3cret@127.0.0.1:1/db", "postgresql://u:1/s3cret@127.0.0.1/db",
        "postgresql://u:a?s3cret@127.0.0.1:1/db", "postgresql://u:%zzs3cret@h/db",
        "postgresql://u:s3cret@h:99999999/db", "host=h password='s3cret",
        "password=x s3cret host=h", "postgresql://127.0.0.1:1/db?password=s3cret&nonsense=1",
        "host=127.0.0.1 port=1 password=s3cret", "postgres://u:s3cret@h:port/db"}) {
    const std::string what = what_of([&] { connect_as(url); });
    EXPECT_NE(what, "no error") << url;
    EXPECT_EQ(what.find("s3cret"), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

TEST(PgConnect, GivesUpAfterTheTimeout) {
  // A listening socket that nobody answers on.
  const TempDir directory;
  test::ChildProcess silent(
      {"python3", "-c",
       "import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\n"
       "s.bind(sys.argv[1])\ns.listen(5)\nprint('up',flush=True)\ntime.sleep(60)",
       directory / ".s.PGSQL.5432"});
  ASSERT_TRUE(silent.wait_for_output("up"));
  const std::string what = what_of([&] {
    Connection::open({.url = "postgresql:///x?port=5432&host=" + directory.path().string(),
                      .application_name = "evd",
                      .connect_timeout = std::chrono::milliseconds{200},
                      .settings = {},
                      .on_notice = {}});
  });
  EXPECT_NE(what.find("did not answer within 200 ms"), std::string::npos) << what;
}

}  // namespace
}  // namespace evd::pg
