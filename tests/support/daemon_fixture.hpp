// A shop that uses evd: a migrated database, a configuration in a directory of its own, and the
// real programs started on it. The purchase has two handlers whose work can be counted: giveCoupon
// (sql) writes a row into shop.coupon, lottery (exec) lines into a file. Everything is short: a
// node is dead after two seconds, a retry comes after a tenth of one.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/pg/connection.hpp"
#include "tests/support/postgres.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {

// What became of pairs that were to run. All 0 is right.
struct Tally {
  int lost = 0;      // never ended
  int repeated = 0;  // ends beyond the first
  int early = 0;     // ends before the event was due
  int alien = 0;     // of events that nobody emitted

  bool operator==(const Tally&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Tally& tally);

// Section -> key -> value as TOML. A nested table's name is the section: "handlers.lottery".
using Settings = std::map<std::string, std::map<std::string, std::string>>;

using Program = std::unique_ptr<ChildProcess>;
using Ids = std::vector<std::int64_t>;

std::string evd_binary(const std::string& name);  // in EVD_BIN_DIR

class Shop {
 public:
  explicit Shop(const std::string& url);  // migrates it, and makes what the handlers need

  void move_to(const std::string& url);  // what it is has been copied there

  // `node` names a socket and a state directory, so that several evd can run side by side.
  Settings settings(const std::string& node = "evd") const;
  std::string write_config(const Settings& settings, const std::string& node = "evd") const;
  std::string config_path(const std::string& node = "evd") const;
  void apply() const;  // the configuration of `evd`, as `evctl apply` does

  Program start_evd(const std::string& node = "evd") const;  // and waits until it is ready
  Program launch(const std::string& program, std::vector<std::string> flags = {},
                 const std::string& node = "evd") const;
  RunResult evrecover(std::vector<std::string> flags = {}) const;

  Ids emit(int count, const std::string& event = "purchased");
  std::int64_t emit_one(const std::string& args = "[]", const std::string& event = "purchased");

  // Handlers: while held, lottery does not end; while failing, it does so with exit 1.
  void hold(const std::string& handler = "lottery") const;
  void release(const std::string& handler = "lottery") const;
  void fail(const std::string& handler = "lottery") const;
  void mend(const std::string& handler = "lottery") const;
  std::vector<std::string> exec_script(const std::string& handler) const;  // as the file's `exec`
  std::string exec_line(const std::string& handler) const;

  // Of an exec handler: a line "start ID ATTEMPT NANOSECONDS", then "end …" where it succeeded.
  std::vector<std::string> output(const std::string& handler = "lottery") const;
  int count(const std::string& verb, const std::string& handler = "lottery") const;
  bool has_started(std::int64_t id, const std::string& handler = "lottery") const;

  Tally sql_tally(const Ids& ids);
  Tally exec_tally(const Ids& ids, const std::string& handler = "lottery");
  bool all_processed(const Ids& ids);
  bool wait_processed(const Ids& ids, std::chrono::milliseconds timeout = std::chrono::seconds{90});
  std::vector<nlohmann::json> alerts() const;  // what the alert channel was given
  std::optional<nlohmann::json> alert(const std::string& kind) const;  // the first of them

  // One value, as text. Connects again where the connection was lost.
  std::string value(const std::string& sql, const pg::Params& params = {});
  int number(const std::string& sql, const pg::Params& params = {});

  int http_status(const std::string& path, const std::string& node = "evd") const;  // 0: no answer
  std::string http_body(const std::string& path, const std::string& node = "evd") const;
  std::filesystem::path file(const std::string& name) const { return dir_ / name; }
  const std::string& url() const { return url_; }

 private:
  std::string http_get(const std::string& path, const std::string& node) const;
  Tally tally(const std::vector<std::pair<std::int64_t, double>>& ends, const Ids& ids);

  std::string url_;
  TempDir dir_;
  std::optional<pg::Connection> connection_;
};

// The usual case: a database in the server that all tests share.
class DaemonTest : public ::testing::Test {
 protected:
  TestDatabase database;
  Shop shop{database.url()};
};

// A server of the test's own, to be stopped and killed.
class OwnServerTest : public ::testing::Test {
 protected:
  PrivateCluster server;
  Shop shop{server.url()};
};

}  // namespace evd::test
