// Handlers from the operator's side: pausing, trying, and what doctor finds.
#include <gmock/gmock.h>

#include "tests/e2e/evctl_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

TEST_F(InstalledEvctl, PausesAndResumesAHandler) {
  EXPECT_THAT(evctl({"pause", "lottery"}).out, HasSubstr("is paused"));
  EXPECT_FALSE(parse(evctl({"pause", "lottery", "--json"})).at("changed"));
  EXPECT_THAT(evctl({"handlers"}).out, HasSubstr("paused"));
  EXPECT_EQ(evctl({"resume", "lottery"}).exit, 0);
  EXPECT_EQ(parse(evctl({"handlers", "--json"})).at("handlers").size(), 2U);
}

TEST_F(InstalledEvctl, TriesASqlHandlerAndRollsItBack) {
  auto connection = database_.connect();
  connection.run_script(
      "create table public.coupon (event bigint, amount numeric);"
      "create function public.give_coupon(e jsonb) returns void language sql as"
      " 'insert into public.coupon values ((e ->> ''id'')::bigint, (e -> ''args'' ->> "
      "1)::numeric)'");
  const auto result =
      run_bare({"--config", config(), "--json", "run", "giveCoupon", "--event", emit()});
  EXPECT_EQ(parse(result).at("outcome"), "done");
  EXPECT_TRUE(Json::parse(result.out).at("rolled_back"));
  EXPECT_EQ(number(connection, "select count(*) from public.coupon"), 0);
}

TEST_F(InstalledEvctl, ExitsWith1WhenTheHandlerItTriesFails) {
  const auto sql = run_bare({"--config", config(), "run", "giveCoupon", "--args", "[1, 2]"});
  EXPECT_EQ(sql.exit, 1);
  EXPECT_THAT(sql.out, HasSubstr("give_coupon"));
  const auto exec = run_bare({"--config", config(), "run", "lottery", "--args", "[]"});
  EXPECT_EQ(exec.exit, 1);
  EXPECT_THAT(exec.out, HasSubstr("failed"));
  EXPECT_EQ(run_bare({"--config", config(), "run", "lotery", "--args", "[]"}).exit, 2);
  EXPECT_EQ(run_bare({"--config", config(), "run", "lottery", "--args", "[1"}).exit, 2);
  EXPECT_EQ(run_bare({"--config", config(), "run", "lottery", "--event", "42"}).exit, 1);
}

TEST_F(InstalledEvctl, GivesATriedProgramTheEventAsItWillBe) {
  const auto seen = directory_ / "seen";
  const std::string file =
      config("[handlers.echo]\nexec = [\"/bin/sh\", \"-c\", \"cat > " + seen.string() + "\"]\n");
  const auto result = run_bare({"--config", file, "run", "echo", "--args", "[1.10, 1e30]"});
  ASSERT_EQ(result.exit, 0) << result.err << result.out;
  const std::string event = read_file(seen);
  EXPECT_THAT(event, HasSubstr("1.10"));
  EXPECT_THAT(event, HasSubstr("1000000000000000000000000000000"));
}

TEST_F(InstalledEvctl, FindsWhatIsWrongAndSaysHowToMendIt) {
  const std::string file = config("[handlers.gone]\nexec = [\"/nonexistent/program\"]\n");
  const auto result = run_bare({"--config", file, "doctor", "--json"});
  EXPECT_EQ(result.exit, 1);
  const Json report = Json::parse(result.out);
  std::string failed;
  for (const auto& check : report.at("checks")) {
    if (check.at("result") == "fail") {
      failed += check.at("check").get<std::string>() + " ";
      EXPECT_FALSE(check.at("mend").is_null());
    }
  }
  EXPECT_EQ(failed, "programs evd ");
}

TEST_F(InstalledEvctl, DoctorTriesTheAlertChannels) {
  const std::string file = config(
      "[alerts.pager]\nexec = [\"/bin/sh\", \"-c\", \"cat > " + (directory_ / "page").string() +
      "\"]\n[alerts.broken]\nexec = [\"/bin/sh\", \"-c\", \"echo no line >&2; exit 1\"]\n");
  EXPECT_THAT(run_bare({"--config", file, "doctor"}).out, Not(HasSubstr("channel pager")));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "page")) << "not unless it is asked to";
  const auto tried = run_bare({"--config", file, "doctor", "--send-test"});
  EXPECT_EQ(tried.exit, 1);
  EXPECT_THAT(tried.out, HasSubstr("ok    channel pager: took the test message"));
  EXPECT_THAT(tried.out, testing::ContainsRegex("fail  channel broken: .*no line"));
  EXPECT_THAT(read_file(directory_ / "page"), HasSubstr("nothing is wrong"));
}

TEST_F(InstalledEvctl, DoctorAnswersAsAMonitoringPlugin) {
  const auto alone = run_bare({"--config", config(), "doctor", "--check"});
  EXPECT_EQ(alone.exit, 2);
  EXPECT_THAT(alone.out, testing::StartsWith("EVD CRITICAL - evd: none is running"));
  emit();
  take_all("failed", "no | way");
  auto connection = database_.connect();
  connection.query("select evd.register_node('node', 'evd', '1', '{giveCoupon,lottery}')");
  const auto failing = run_bare({"--config", config(), "doctor", "--check"});
  EXPECT_EQ(failing.exit, 1) << failing.out;
  EXPECT_THAT(failing.out,
              testing::ContainsRegex("^EVD WARNING - .*escalated: 1 pairs wait for a person"));
  EXPECT_THAT(failing.out, HasSubstr(" | escalated=1 unread=0 lag=0.0s\n"));
  EXPECT_EQ(std::count(failing.out.begin(), failing.out.end(), '|'), 1);
  const auto away = run_bare({"--database", "host=/nonexistent", "doctor", "--check"});
  EXPECT_EQ(away.exit, 2);
  EXPECT_THAT(away.out, testing::StartsWith("EVD CRITICAL - connection: "));
  const auto unknown = run_bare({"--config", "/nonexistent.toml", "doctor", "--check"});
  EXPECT_EQ(unknown.exit, 3);
  EXPECT_THAT(unknown.out, testing::StartsWith("EVD UNKNOWN - config: "));
}

TEST_F(InstalledEvctl, DoctorTellsOfTroublesAndOfChannelsThatFail) {
  auto connection = database_.connect();
  connection.query("insert into evd.trouble values ('backlog', '(log)', now(), 'it grows', now())");
  connection.query("insert into evd.alert_channel values ('slack', 4, now(), 'HTTP 500')");
  const auto found = run_bare({"--config", config(), "doctor"});
  EXPECT_THAT(found.out, HasSubstr("warn  trouble: backlog (log): it grows"));
  EXPECT_THAT(found.out, HasSubstr("warn  sending: slack failed 4 times in a row: HTTP 500"));
}

TEST_F(Evctl, DiagnosesAMissingSchemaAndAnAbsentDatabase) {
  const auto missing = evctl({"doctor"});
  EXPECT_EQ(missing.exit, 1);
  EXPECT_THAT(missing.out, HasSubstr("evctl migrate"));
  const auto away = run_bare({"--database", "host=/nonexistent", "doctor"});
  EXPECT_EQ(away.exit, 1);
  EXPECT_THAT(away.out, HasSubstr("fail  connection"));
}

TEST_F(Evctl, NamesItsVersionWhateverTheDatabase) {
  EXPECT_EQ(run_bare({"version"}).exit, 0);
  const auto away = run_bare({"--database", "host=/nonexistent", "version"});
  EXPECT_EQ(away.exit, 3);
  EXPECT_THAT(away.out, HasSubstr("evctl"));
  EXPECT_TRUE(parse(evctl({"version", "--json"})).at("schema").is_null());
}

TEST_F(InstalledEvctl, ReportsStatusAsOneObject) {
  emit();
  const Json report = parse(evctl({"status", "--json"}));
  EXPECT_EQ(report.at("instance"), "shop-test");
  EXPECT_EQ(report.at("log").at("unread"), 1);
}

}  // namespace
}  // namespace evd::test
