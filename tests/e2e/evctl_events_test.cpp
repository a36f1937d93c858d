// From an empty database to events that were emitted, looked at, and repaired.
#include <gmock/gmock.h>

#include <sstream>

#include "tests/e2e/evctl_fixture.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

constexpr const char* k_big = "12345678901234567890.1234567890123456789";

TEST_F(Evctl, GoesFromAnEmptyDatabaseToABalancedLedger) {
  const std::string file = config();
  EXPECT_EQ(parse(run_bare({"--config", file, "migrate", "--json"})).at("from"), 0);
  EXPECT_THAT(run_bare({"--config", file, "apply"}).out, HasSubstr("+ event purchased"));
  const auto emitted = run_bare({"--config", file, "emit", "purchased", R"(["user A", 5000])"});
  ASSERT_EQ(emitted.out, "1\n") << emitted.err;
  EXPECT_THAT(run_bare({"--config", file, "list"}).out, HasSubstr(R"(["user A", 5000])"));
  EXPECT_THAT(run_bare({"--config", file, "show", "1"}).out, HasSubstr("giveCoupon"));
  const auto audit = run_bare({"--config", file, "audit"});
  EXPECT_EQ(audit.exit, 0);
  EXPECT_THAT(audit.out, HasSubstr("emitted = done + resolved + outstanding + escalated"));
  EXPECT_THAT(audit.out, HasSubstr("2 = 0 + 0 + 2 + 0"));
}

TEST_F(Evctl, PrintsAScriptThatPsqlInstalls) {
  const auto script = run_bare({"migrate", "--sql", "--no-roles"});
  ASSERT_EQ(script.exit, 0) << script.err;
  const auto installed = run(
      {"psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", database_.url(), "-f", "-"}, {}, script.out);
  ASSERT_EQ(installed.exit, 0) << installed.err;
  EXPECT_EQ(evctl({"list"}).exit, 0);
}

TEST_F(Evctl, ChangesNothingInADryRunOfMigrate) {
  EXPECT_EQ(evctl({"migrate", "--dry-run"}).exit, 0);
  EXPECT_EQ(evctl({"list"}).exit, 4);
}

TEST_F(InstalledEvctl, ShowsTheDifferenceThatApplyMakes) {
  EXPECT_THAT(run_bare({"--config", config(), "apply"}).out, HasSubstr("nothing to change"));
  const std::string changed = config("[events.refunded]\nhandlers = [\"lottery\"]\n");
  EXPECT_THAT(run_bare({"--config", changed, "apply", "--dry-run"}).out,
              HasSubstr("+ event refunded"));
  EXPECT_EQ(evctl({"emit", "refunded"}).exit, 1) << "a dry run wrote something";
  EXPECT_EQ(run_bare({"--config", changed, "apply"}).exit, 0);
  EXPECT_EQ(evctl({"emit", "refunded"}).exit, 0);
}

TEST_F(InstalledEvctl, KeepsNumbersExact) {
  const std::string id = emit(std::string("[") + k_big + "]");
  EXPECT_THAT(evctl({"show", id}).out, HasSubstr(k_big));
  EXPECT_THAT(evctl({"show", id, "--json"}).out, HasSubstr(k_big));
  EXPECT_THAT(evctl({"list"}).out, HasSubstr(k_big));
  EXPECT_THAT(evctl({"list", "--json"}).out, HasSubstr(k_big));
  const std::string huge = emit("1e400");
  EXPECT_EQ(evctl({"show", huge}).exit, 0);
}

TEST_F(InstalledEvctl, GivesTheFirstIdForAKnownDedupKey) {
  const auto first = evctl({"emit", "purchased", "[]", "--dedup-key", "order-1"});
  const auto again = evctl({"emit", "purchased", "[]", "--dedup-key", "order-1"});
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(again.out, first.out);
}

TEST_F(InstalledEvctl, EmitsForALaterTime) {
  const auto result = evctl({"emit", "purchased", "[]", "--deliver-at", "1h", "--key", "k"});
  ASSERT_EQ(result.exit, 0) << result.err;
  const Json event = parse(evctl({"show", "1", "--json"}));
  EXPECT_EQ(event.at("key"), "k");
  EXPECT_GT(event.at("deliver_at"), event.at("created_at"));
}

TEST_F(InstalledEvctl, ShowsOneObjectWithAllThatScriptsRelyOn) {
  const Json event = parse(evctl({"show", emit(), "--json"}));
  for (const char* key : {"id", "event_name", "created_at", "expected", "status", "state", "done",
                          "resolved", "args", "deliveries"}) {
    EXPECT_TRUE(event.contains(key)) << key;
  }
  ASSERT_EQ(event.at("deliveries").size(), 2U);
  for (const char* key :
       {"handler", "state", "attempts", "max_attempts", "next_at", "last_error"}) {
    EXPECT_TRUE(event.at("deliveries").at(0).contains(key)) << key;
  }
}

TEST_F(InstalledEvctl, ListsNewestFirstOneObjectALine) {
  emit("1");
  emit("2");
  const auto result = evctl({"list", "--json", "--event", "purchased", "--since", "1h"});
  std::istringstream lines(result.out);
  std::vector<int> args;
  for (std::string line; std::getline(lines, line);) args.push_back(Json::parse(line).at("args"));
  EXPECT_EQ(args, (std::vector<int>{2, 1}));
  EXPECT_EQ(evctl({"list", "--json", "--event", "other"}).out, "");
  EXPECT_THAT(evctl({"list", "--json", "--limit", "1"}).out, Not(HasSubstr("\"args\": 1,")));
}

TEST_F(InstalledEvctl, FiltersByStatusOwnerAndHandler) {
  const std::string id = emit();
  take_all("failed", "no coupon left");
  emit();
  const auto count = [&](std::vector<std::string> filter) {
    filter.insert(filter.begin(), {"list", "--json"});
    const std::string out = evctl(filter).out;
    return std::count(out.begin(), out.end(), '\n');
  };
  EXPECT_EQ(count({"--status", "escalated"}), 1);
  EXPECT_EQ(count({"--status", "3", "--handler", "giveCoupon"}), 1);
  EXPECT_EQ(count({"--status", "3", "--handler", "lottery"}), 0);
  EXPECT_EQ(count({"--status", "emitted"}), 1);
  EXPECT_EQ(count({"--owner", "growth"}), 2);
  EXPECT_EQ(count({"--handler", "lottery"}), 2);
}

TEST_F(InstalledEvctl, TellsWhatFailedAndWhoResolvedIt) {
  const std::string id = emit();
  take_all("failed", "no coupon\x1b[31m left");
  EXPECT_THAT(evctl({"status"}).out, HasSubstr("no coupon"));
  EXPECT_EQ(parse(evctl({"show", id, "--json"})).at("status"), 3);
  const auto resolved = evctl({"resolve", id, "--why", "sent by hand"});
  EXPECT_EQ(resolved.exit, 0) << resolved.err;
  const auto shown = evctl({"show", id});
  EXPECT_THAT(shown.out, HasSubstr("no coupon"));
  EXPECT_THAT(shown.out, HasSubstr("sent by hand"));
  EXPECT_THAT(shown.out, Not(HasSubstr("\x1b"))) << "an error must not steer the terminal";
  EXPECT_EQ(parse(evctl({"audit", "--json"})).at("resolved"), 1);
  EXPECT_EQ(evctl({"audit", "--full", "--json"}).out, evctl({"audit", "--json"}).out);
}

TEST_F(InstalledEvctl, WantsYesForAFilterWithoutATerminal) {
  emit();
  take_all("failed", "no");
  const auto refused = evctl({"re-emit", "--status", "escalated"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("1 event"));
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_EQ(parse(evctl({"show", "1", "--json"})).at("status"), 3);

  EXPECT_EQ(evctl({"re-emit", "--status", "escalated", "--dry-run"}).exit, 0);
  EXPECT_EQ(parse(evctl({"show", "1", "--json"})).at("status"), 3);

  const Json done = parse(evctl({"re-emit", "--status", "escalated", "--yes", "--json"}));
  EXPECT_EQ(done.at("re_emitted"), 1);
  EXPECT_EQ(parse(evctl({"show", "1", "--json"})).at("status"), 0);
}

TEST_F(InstalledEvctl, RefusesToReEmitWhatIsDoneWithoutAWordOnItsKey) {
  emit();
  take_all("failed", "no");
  EXPECT_EQ(evctl({"re-emit", "1", "--all-handlers"}).exit, 2);
  EXPECT_EQ(evctl({"re-emit", "1", "--all-handlers", "--same-key", "--new-key"}).exit, 2);
  EXPECT_EQ(
      parse(evctl({"re-emit", "1", "--all-handlers", "--new-key", "--json"})).at("re_emitted"), 2);
}

TEST_F(InstalledEvctl, ReEmitsAllOfTheIdsOrNone) {
  emit();
  take_all("failed", "no");
  EXPECT_EQ(evctl({"re-emit", "1", "77"}).exit, 1);
  EXPECT_EQ(parse(evctl({"show", "1", "--json"})).at("status"), 3);
}

TEST_F(InstalledEvctl, SaysThatAnEventIsStillRunning) {
  emit();
  const auto result = evctl({"re-emit", "1"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.out, HasSubstr("still running"));
  EXPECT_EQ(evctl({"re-emit", "1", "--wait"}).exit, 1) << "there is nothing to wait for";
}

// The run of a re-emitted pair, by a node that comes once the pair waits.
void finish_pair(pg::Connection& connection, const std::string& outcome) {
  ASSERT_TRUE(eventually([&] {
    return number(connection, "select count(*) from evd.delivery where state = 'waiting'") > 0;
  }));
  const auto node =
      number(connection, "select evd.register_node('later', 'evd', '0.1.0', '{giveCoupon}')");
  const auto run = number(
      connection, "select run from evd.take_deliveries($1, '{giveCoupon}', '{1}', false, '0')",
      pg::params(node));
  value(connection,
        "select evd.finish_deliveries($1, '{1}', '{giveCoupon}', array[$2::int], array[$3],"
        " '{again}', '{null}')",
        pg::params(node, run, outcome));
}

TEST_F(InstalledEvctl, WaitsForTheOutcomeOfAReEmit) {
  for (const auto& [outcome, code] : {std::pair("retry", 1), std::pair("done", 0)}) {
    if (std::string(outcome) == "retry") {
      emit();
      take_all("failed", "no");
    }
    ChildProcess child({program(), "--database", database_.url(), "re-emit", "1", "--wait=30s"});
    ASSERT_TRUE(child.wait_for_output("re-emitted"));
    auto connection = database_.connect();
    finish_pair(connection, outcome);
    EXPECT_EQ(child.wait(), code) << child.out() << child.err();
  }
}

TEST_F(InstalledEvctl, FailsTheAuditWhenEventsAreLost) {
  emit();
  const std::string lost = emit();
  take_all("failed", "no");
  database_.connect().query("delete from evd.event where id = $1", pg::params(lost));
  const auto result = evctl({"audit", "--json"});
  EXPECT_EQ(result.exit, 1);
  const Json ledger = Json::parse(result.out);
  EXPECT_FALSE(ledger.at("balanced"));
  EXPECT_FALSE(ledger.at("missing").empty());
}

TEST_F(InstalledEvctl, GroupsFailuresByTheirCause) {
  const auto fail = [&](const std::string& error) {
    emit();
    take_all("failed", error);
  };
  fail("HTTP 503: timeout crm.example after 1003 ms (request 'a7')");
  fail("HTTP 503: timeout crm.example after 998 ms (request 'b19')");
  fail("HTTP 500: timeout crm.example after 2 ms (request 'c')");
  const auto listed = evctl({"list", "--group-by", "error"});
  EXPECT_THAT(listed.out,
              HasSubstr(R"(2 ×  HTTP 503: timeout crm.example after # ms (request "…"))"))
      << listed.err;
  const auto json = evctl({"list", "--group-by", "error", "--json", "--limit", "1", "--handler",
                           "giveCoupon", "--status", "escalated", "--owner", "growth", "--since",
                           "1h", "--event", "purchased"});
  const Json cause = Json::parse(json.out);
  EXPECT_EQ(cause.at("pairs"), 2);
  EXPECT_EQ(cause.at("example"), 1);
  EXPECT_EQ(cause.at("state"), "escalated");
  EXPECT_EQ(evctl({"list", "--group-by", "error", "--json", "--handler", "lottery"}).out, "");
  EXPECT_EQ(evctl({"list", "--group-by", "error", "--status", "timeout"}).exit, 2);
  EXPECT_EQ(evctl({"list", "--group-by", "owner"}).exit, 2);
}

}  // namespace
}  // namespace evd::test
