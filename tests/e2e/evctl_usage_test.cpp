// What evctl says to input that is wrong, and its exit codes.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/e2e/evctl_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST_F(Evctl, SaysWhatAnUnknownVerbProbablyMeant) {
  const auto result = run_bare({"lst"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean \"list\"?"));
  EXPECT_EQ(lines(result.err), 1);
  EXPECT_EQ(result.out, "");
}

TEST_F(Evctl, SaysWhatAnUnknownOptionProbablyMeant) {
  const auto result = evctl({"list", "--limti", "3"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean \"--limit\"?"));
}

TEST_F(Evctl, ExitsWith2WithoutAVerbOrAnArgumentItNeeds) {
  EXPECT_EQ(run_bare({}).exit, 2);
  EXPECT_EQ(evctl({"emit"}).exit, 2);
  EXPECT_EQ(evctl({"show"}).exit, 2);
  EXPECT_EQ(evctl({"show", "abc"}).exit, 2);
  EXPECT_EQ(evctl({"version", "extra"}).exit, 2);
  EXPECT_EQ(evctl({"re-emit"}).exit, 2);
  EXPECT_EQ(evctl({"resolve", "1"}).exit, 2);
  EXPECT_EQ(evctl({"resolve", "1", "--why", " "}).exit, 2);
  EXPECT_EQ(evctl({"run", "lottery"}).exit, 2);
}

TEST_F(Evctl, ExitsWith2WhenNothingSaysWhichDatabase) {
  const auto result = run_bare({"status"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("--database"));
}

TEST_F(Evctl, NamesLineAndSuggestionOfAConfigurationTypo) {
  const auto path = directory_ / "typo.toml";
  write_file(path, "[database]\nurl = \"postgresql:///shop\"\n[daemon]\nspil_after = \"1s\"\n");
  const auto result = run_bare({"--config", path.string(), "apply"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("typo.toml:4"));
  EXPECT_THAT(result.err, HasSubstr("spill_after"));
}

TEST_F(Evctl, ExitsWith2WhenTheNamedFileIsMissing) {
  EXPECT_EQ(run_bare({"--config", (directory_ / "none.toml").string(), "status"}).exit, 2);
  EXPECT_EQ(run_bare({"status"}, {{"EVD_CONFIG", (directory_ / "none.toml").string()}}).exit, 2);
}

TEST_F(Evctl, ExitsWith3WhenTheDatabaseIsOutOfReach) {
  const auto result = run_bare({"--database", "host=/nonexistent dbname=shop", "status"});
  EXPECT_EQ(result.exit, 3);
  EXPECT_EQ(lines(result.err), 1);
  EXPECT_EQ(result.out, "");
}

TEST_F(Evctl, TakesThePasswordOutOfWhatItSays) {
  for (const char* url : {"postgresql://joe:hunter2@127.0.0.1:1/shop",
                          "host=127.0.0.1 port=1 user=joe password=hunter2",
                          "postgresql://joe:hunter2@127.0.0.1:notaport/shop"}) {
    const auto result = run_bare({"--database", url, "status"});
    EXPECT_EQ(result.exit, 3) << url;
    EXPECT_THAT(result.err, Not(HasSubstr("hunter2")));
  }
}

TEST_F(Evctl, ExitsWith4WhenTheSchemaIsMissing) {
  const auto result = evctl({"show", "1"});
  EXPECT_EQ(result.exit, 4);
  EXPECT_THAT(result.err, HasSubstr("evctl migrate"));
}

TEST_F(InstalledEvctl, ExitsWith4WhenTheSchemaIsNewer) {
  auto connection = database_.connect();
  connection.query("update evd.meta set schema_version = 9999");
  EXPECT_EQ(evctl({"list"}).exit, 4);
  EXPECT_EQ(evctl({"migrate"}).exit, 4);
}

TEST_F(InstalledEvctl, ExitsWith4ForTheDatabaseOfAnotherInstance) {
  const auto path = directory_ / "other.toml";
  write_file(path, "[database]\nurl = \"" + database_.url() + "\"\ninstance = \"shop-prod\"\n");
  const auto result = run_bare({"--config", path.string(), "status"});
  EXPECT_EQ(result.exit, 4);
  EXPECT_THAT(result.err, HasSubstr("shop-test"));
}

TEST_F(InstalledEvctl, TakesGlobalOptionsBeforeAndAfterTheVerb) {
  const std::string id = emit();
  const auto before = run_bare({"--json", "--database", database_.url(), "show", id});
  const auto after = run_bare({"show", id, "--database", database_.url(), "--json"});
  EXPECT_EQ(before.exit, 0) << before.err;
  EXPECT_EQ(after.exit, 0) << after.err;
  EXPECT_EQ(before.out, after.out);
  EXPECT_EQ(run_bare({"show", id}, {{"EVD_DATABASE_URL", database_.url()}}).exit, 0);
}

TEST_F(InstalledEvctl, RefusesArgsThatAreNoJson) {
  const auto result = evctl({"emit", "purchased", R"(["user A)"});
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, StartsWith("evctl: not valid JSON"));
  EXPECT_EQ(lines(result.err), 1);
}

TEST_F(InstalledEvctl, ExitsWith1ForWhatDoesNotExist) {
  const auto shown = evctl({"show", "42"});
  EXPECT_EQ(shown.exit, 1);
  EXPECT_THAT(shown.err, HasSubstr("no such event: 42"));
  EXPECT_EQ(evctl({"emit", "purchase"}).exit, 1);
  EXPECT_EQ(evctl({"re-emit", "42"}).exit, 1);
  EXPECT_EQ(evctl({"resolve", "42", "--why", "x"}).exit, 1);
  EXPECT_EQ(evctl({"pause", "nobody"}).exit, 1);
}

TEST_F(InstalledEvctl, NeedsNoMoreThanTheOperatorsRole) {
  const std::string id = emit();
  const std::vector<std::vector<std::string>> verbs = {{"list"},
                                                       {"show", id},
                                                       {"status"},
                                                       {"audit"},
                                                       {"pause", "lottery"},
                                                       {"resume", "lottery"},
                                                       {"handlers"},
                                                       {"apply"},
                                                       {"emit", "purchased"},
                                                       {"version"}};
  for (auto verb : verbs) {
    verb.insert(verb.begin(), {"--config", config()});
    const auto result = run_bare(verb, {{"PGOPTIONS", "-c role=evd_operator"}});
    EXPECT_EQ(result.exit, 0) << verb[2] << ": " << result.err;
  }
}

TEST_F(InstalledEvctl, EmitsAnEventThatIsNamedLikeAVerb) {
  auto connection = database_.connect();
  make_route(connection, "status", {"lottery"});
  EXPECT_EQ(evctl({"emit", "status"}).exit, 0);
}

TEST_F(InstalledEvctl, RefusesStatusAndTimesThatAreNone) {
  const auto status = evctl({"list", "--status", "escalted"});
  EXPECT_EQ(status.exit, 2);
  EXPECT_THAT(status.err, HasSubstr("did you mean \"escalated\"?"));
  EXPECT_EQ(evctl({"list", "--status", "4"}).exit, 2);
  EXPECT_EQ(evctl({"list", "--since", "yesterdayish"}).exit, 2);
  EXPECT_EQ(evctl({"list", "--limit", "0"}).exit, 2);
}

TEST_F(InstalledEvctl, IsQuietWhenItsReaderHasGone) {
  for (int i = 0; i < 5; ++i) emit();
  const auto result =
      run({"/bin/sh", "-c",
           "trap '' PIPE; { \"$0\" --database \"$1\" list --json; echo $? >&2; } | :", program(),
           database_.url()});
  EXPECT_EQ(result.err, "0\n");
}

}  // namespace
}  // namespace evd::test
