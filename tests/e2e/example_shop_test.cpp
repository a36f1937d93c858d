// docs/examples/shop as its page says: a purchase in Python, three kinds of handlers, and a
// rollback that emits nothing.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/evctl_fixture.hpp"
#include "tests/support/daemon_fixture.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;

const std::string k_python = "/usr/bin/python3";  // Debian's, which has Debian's psycopg
const std::string k_example = EVD_SOURCE_DIR "/docs/examples/shop";

class ExampleShop : public Evctl {
 protected:
  void SetUp() override {
    if (run({k_python, "-c", "import psycopg"}).exit != 0)
      GTEST_SKIP() << "python3-psycopg is not installed";
    ASSERT_TRUE(crm.wait_for_output("listening on "));
    write_config();
    ASSERT_EQ(run_bare({"--config", config_file, "migrate"}).exit, 0);
    const auto made = run({"psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", database_.url(), "-f",
                           k_example + "/shop.sql"});
    ASSERT_EQ(made.exit, 0) << made.err;
    const auto applied = run_bare({"--config", config_file, "apply"});
    ASSERT_EQ(applied.exit, 0) << applied.err;
  }

  // The example's own file, with its places put where the test may write.
  void write_config() {
    std::string text = read_file(k_example + "/evd.toml");
    const std::string heard = crm.out();
    const std::string port =
        heard.substr(heard.rfind(' ') + 1, heard.size() - heard.rfind(' ') - 2);
    replace(text, "postgresql:///shop", database_.url());
    replace(text, "/opt/shop", k_example);
    replace(text, "/tmp/shop", directory_.path().string());
    replace(text, "8099", port);
    write_file(config_file, text);
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    ASSERT_NE(text.find(from), std::string::npos) << from;
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }

  RunResult buy(const std::string& buyer, const std::string& price) {
    SpawnOptions options;
    auto connection = database_.connect();
    for (const auto& [variable, sql] : std::vector<std::pair<std::string, std::string>>{
             {"PGHOST", "trim('\"' from current_setting('unix_socket_directories'))"},
             {"PGPORT", "current_setting('port')"},
             {"PGUSER", "current_user"},
             {"PGDATABASE", "current_database()"}}) {
      options.env.emplace_back(variable, value(connection, "select " + sql));
    }
    return run({k_python, k_example + "/shop.py", buyer, price}, options);
  }

  const std::filesystem::path crm_file = directory_ / "crm.ndjson";
  const std::string config_file = (directory_ / "shop.toml").string();
  ChildProcess crm{{k_python, k_example + "/crm.py", "0", crm_file.string()}};
};

TEST_F(ExampleShop, HandlesAPurchaseAndNoneThatWasRolledBack) {
  ChildProcess evd({evd_binary("evd"), "--config", config_file});
  ASSERT_TRUE(evd.wait_for_output("ready")) << evd.err();
  const auto refused = buy("user A", "-1");
  EXPECT_EQ(refused.exit, 1);
  EXPECT_THAT(refused.err, HasSubstr("no purchase: "));
  const auto bought = buy("user A", "5000");
  ASSERT_EQ(bought.exit, 0) << bought.err;

  auto connection = database_.connect();
  EXPECT_TRUE(eventually([&] {
    return number(connection, "select count(*) from evd.events where status = 2") == 1;
  })) << evd.err();
  EXPECT_EQ(rows(connection, "select id || E'\\n', args, done from evd.events"),
            bought.out + R"(|["user A", 5000]|{giveCoupon,lottery,crm})");
  EXPECT_EQ(rows(connection, "select buyer, price from shop.purchase"), "user A|5000");
  EXPECT_EQ(rows(connection, "select buyer, event_id || E'\\n' from shop.coupon"),
            "user A|" + bought.out);
  const std::string id = bought.out.substr(0, bought.out.size() - 1);
  EXPECT_THAT(read_file(directory_ / "lots" / ("shop:" + id + ":lottery")), HasSubstr("user A"));
  EXPECT_EQ(nlohmann::json::parse(read_file(crm_file)).at("handler"), "crm");
  evd.signal(SIGTERM);
  EXPECT_EQ(evd.wait(), 0) << evd.err();
}

}  // namespace
}  // namespace evd::test
