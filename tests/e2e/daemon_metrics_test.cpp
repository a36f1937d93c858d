// /metrics, and what is shipped to be fed by it.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;

class DaemonMetrics : public DaemonTest {
 protected:
  bool wait_for_metric(const std::string& line) {
    return eventually([&] { return ("\n" + metrics()).find("\n" + line) != std::string::npos; });
  }
  std::string metrics() { return shop.http_body("/metrics"); }

  static std::string shipped(const std::string& name) {
    std::ifstream file(std::filesystem::path(EVD_SOURCE_DIR) / "packaging" / name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  static std::set<std::string> names_in(const std::string& text) {
    static const std::regex name("evd_[a-z_]+");
    return {std::sregex_token_iterator(text.begin(), text.end(), name), {}};
  }

  static RunResult promtool(const std::vector<std::string>& arguments, const std::string& input) {
    std::vector<std::string> command = {"promtool"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess process(command, {.env = {}, .cwd = EVD_SOURCE_DIR "/packaging/prometheus"});
    process.write(input);
    process.close_stdin();
    const auto exit = process.wait();
    return {exit.value_or(-1), process.out(), process.err()};
  }

  // A pair that fails and is done after, one that is escalated.
  void make_history() {
    evd = shop.start_evd();
    shop.fail();
    const Ids ids = shop.emit(1);
    ASSERT_TRUE(eventually([&] { return shop.number("select count(*) from evd.attempt") > 0; }));
    shop.mend();
    ASSERT_TRUE(shop.wait_processed(ids));
    shop.value(
        "update evd.handler set max_attempts = 1, backoff_base = '1 hour' where name = 'lottery'");
    shop.fail();
    shop.emit(1);
    ASSERT_TRUE(eventually(
        [&] { return shop.number("select count(*) from evd.events where status = 3") == 1; }));
  }

  Program evd;
};

TEST_F(DaemonMetrics, TellOfTheNodeAndOfTheInstallation) {
  make_history();
  EXPECT_TRUE(wait_for_metric(R"(evd_attempts_total{handler="giveCoupon",outcome="done"} 2)"));
  EXPECT_TRUE(wait_for_metric(R"(evd_attempts_total{handler="lottery",outcome="done"} 1)"));
  EXPECT_TRUE(wait_for_metric(R"(evd_recovered_pairs{handler="lottery"} 1)"));
  EXPECT_TRUE(wait_for_metric(R"(evd_recovery_seconds{handler="lottery",statistic="median"} )"));
  EXPECT_TRUE(wait_for_metric(R"(evd_telling_seconds{handler="lottery",statistic="longest"} )"));
  EXPECT_TRUE(wait_for_metric(R"(evd_pairs_outstanding{handler="lottery",state="escalated"} 1)"));
  EXPECT_TRUE(wait_for_metric("evd_log_events_total 2"));
  EXPECT_TRUE(wait_for_metric("evd_log_pairs_total 4"));
  // The escalation, and that the handler's policy is not the file's, where that is told already.
  EXPECT_TRUE(eventually(
      [&] { return std::regex_search(metrics(), std::regex("\nevd_alerts_unresolved [12]\n")); }));
  EXPECT_TRUE(wait_for_metric("evd_lag_seconds 0"));
  EXPECT_TRUE(wait_for_metric("evd_ready 1"));
}

TEST_F(DaemonMetrics, AreWhatPrometheusAndTheShippedFilesExpect) {
  make_history();
  ASSERT_EQ(shop.evrecover().exit, 0);
  ASSERT_TRUE(wait_for_metric("evd_evrecover_age_seconds"));
  ASSERT_TRUE(wait_for_metric("evd_telling_seconds"));
  const std::string scraped = metrics();
  const RunResult checked = promtool({"check", "metrics"}, scraped);
  EXPECT_EQ(checked.exit, 0) << checked.out << checked.err;
  const std::set<std::string> known = names_in(scraped);
  for (const char* file : {"prometheus/evd.rules.yml", "grafana/evd.json"}) {
    const std::set<std::string> used = names_in(shipped(file));
    EXPECT_FALSE(used.empty()) << file;
    for (const std::string& name : used)
      EXPECT_TRUE(known.contains(name)) << name << " in " << file;
  }
}

TEST(PrometheusRules, FireWhenTheyShould) {
  const RunResult checked = run({"promtool", "test", "rules", "evd.rules_test.yml"},
                                {.env = {}, .cwd = EVD_SOURCE_DIR "/packaging/prometheus"});
  EXPECT_EQ(checked.exit, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace evd::test
