#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "common/handlers/exec_handler.hpp"
#include "tests/support/recording_sink.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::handlers {
namespace {

using journal::OutcomeKind;
using test::eventually;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Milliseconds k_short_grace{200};

class ExecHandlerTest : public testing::Test {
 protected:
  HandlerConfig sh(const std::string& script) {
    HandlerConfig config;
    config.name = "lottery";
    config.kind = HandlerKind::k_exec;
    config.command = {"/bin/sh", "-c", script};
    config.timeout = std::chrono::seconds{20};
    return config;
  }

  void make(const HandlerConfig& config, Milliseconds grace = k_short_grace) {
    handler_ = std::make_unique<ExecHandler>(config, "shop-prod", sink_, grace);
  }

  void start(int attempts, const std::string& args = R"(["user A", 5000])") {
    Batch batch;
    batch.id = 7;
    for (int i = 0; i < attempts; ++i) {
      Attempt attempt;
      attempt.event = std::make_shared<const journal::Event>(
          journal::Event{.id = 42 + i, .args = args, .key = {}, .headers = {}});
      attempt.route = std::make_shared<const journal::Route>(
          journal::Route{.id = 1, .event_name = "purchased", .expected = {"lottery"}});
      attempt.number = 2;
      attempt.max_attempts = 10;
      batch.attempts.push_back(attempt);
    }
    handler_->start(std::move(batch));
  }

  journal::Outcome outcome_of(const HandlerConfig& config,
                              const std::string& args = R"(["user A", 5000])") {
    make(config);
    const std::size_t before = sink_.results().size();
    start(1, args);
    EXPECT_TRUE(sink_.wait_for_results(before + 1));
    return sink_.results().back().outcome;
  }

  std::string file(const std::string& name) { return (directory_ / name).string(); }
  bool exists(const std::string& name) { return std::filesystem::exists(directory_ / name); }

  test::TempDir directory_;
  test::RecordingSink sink_;
  std::unique_ptr<ExecHandler> handler_;
};

TEST_F(ExecHandlerTest, TakesItsOutcomeFromTheExitStatus) {
  EXPECT_EQ(outcome_of(sh("exit 0")).kind, OutcomeKind::k_done);
  EXPECT_EQ(outcome_of(sh("exit 65")).kind, OutcomeKind::k_failed);
  const auto failed = outcome_of(sh("exit 3"));
  EXPECT_EQ(failed.kind, OutcomeKind::k_retry);
  EXPECT_EQ(failed.error, "exit status 3");
  const auto killed = outcome_of(sh("kill -9 $$"));
  EXPECT_EQ(killed.kind, OutcomeKind::k_retry);
  EXPECT_EQ(killed.error, "killed by signal 9 (Killed)");
}

TEST_F(ExecHandlerTest, GivesTheEventOnStdinAsOneLine) {
  EXPECT_EQ(outcome_of(sh("cat > " + file("in"))).kind, OutcomeKind::k_done);
  const std::string text = test::read_file(file("in"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.back(), '\n');
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("id"), 42);
  EXPECT_EQ(json.at("args"), nlohmann::json::parse(R"(["user A", 5000])"));
  EXPECT_EQ(json.at("attempt"), 2);
}

TEST_F(ExecHandlerTest, GivesAnEventLargerThanAPipe) {
  const std::string args = "[\"" + std::string(1'000'000, 'x') + "\"]";
  EXPECT_EQ(outcome_of(sh("sleep 0.1; cat > " + file("in")), args).kind, OutcomeKind::k_done);
  EXPECT_EQ(nlohmann::json::parse(test::read_file(file("in"))).at("args").dump(),
            nlohmann::json::parse(args).dump());
}

TEST_F(ExecHandlerTest, LetsAProgramIgnoreItsStdin) {
  const std::string args = "[\"" + std::string(1'000'000, 'x') + "\"]";
  EXPECT_EQ(outcome_of(sh("exec <&-; sleep 0.1; exit 0"), args).kind, OutcomeKind::k_done);
}

TEST_F(ExecHandlerTest, GivesExactlyTheDocumentedEnvironment) {
  ASSERT_EQ(::setenv("EVD_TEST_LEAK", "1", 1), 0);
  HandlerConfig config = sh("");
  config.command = {"/usr/bin/env"};
  config.env = {{"SHOP", "a b"}, {"EVD_EVENT_ID", "mine"}};
  config.command = {"/bin/sh", "-c", "exec /usr/bin/env > " + file("env")};
  EXPECT_EQ(outcome_of(config).kind, OutcomeKind::k_done);
  ::unsetenv("EVD_TEST_LEAK");
  std::set<std::string> variables;
  std::ifstream stream(file("env"));
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with("PWD=") && !line.starts_with("_=") && !line.starts_with("SHLVL=")) {
      variables.insert(line);  // the others are the shell's own
    }
  }
  EXPECT_EQ(variables,
            (std::set<std::string>{"SHOP=a b", "EVD_EVENT_ID=42", "EVD_EVENT_NAME=purchased",
                                   "EVD_HANDLER=lottery", "EVD_ATTEMPT=2", "EVD_MAX_ATTEMPTS=10",
                                   "EVD_IDEMPOTENCY_KEY=shop-prod:42:lottery", "LANG=C.UTF-8",
                                   "PATH=" + std::string(k_handler_path)}));
}

TEST_F(ExecHandlerTest, RunsInItsDirectoryOrTheRoot) {
  EXPECT_EQ(outcome_of(sh("pwd > " + file("cwd"))).kind, OutcomeKind::k_done);
  EXPECT_EQ(test::read_file(file("cwd")), "/\n");
  HandlerConfig config = sh("pwd > cwd");
  config.cwd = directory_.path().string();
  EXPECT_EQ(outcome_of(config).kind, OutcomeKind::k_done);
  EXPECT_EQ(test::read_file(file("cwd")), config.cwd + "\n");
}

TEST_F(ExecHandlerTest, PassesOnNoDescriptorAndNoSignalState) {
  const UniqueFd leaky(::dup2(STDERR_FILENO, 50));  // no close-on-exec, as a library may do
  HandlerConfig config = sh("");
  config.command = {"/bin/sh", "-c",
                    "grep SigBlk: /proc/self/status > " + file("blocked") +
                        "; exec ls /proc/self/fd > " + file("fds")};
  EXPECT_EQ(outcome_of(config).kind, OutcomeKind::k_done);
  EXPECT_EQ(test::read_file(file("fds")), "0\n1\n2\n3\n") << "3 is the directory that ls reads";
  EXPECT_EQ(test::read_file(file("blocked")), "SigBlk:\t0000000000000000\n");
}

TEST_F(ExecHandlerTest, FindsACommandInTheFixedPath) {
  HandlerConfig config = sh("");
  config.command = {"true"};
  EXPECT_EQ(outcome_of(config).kind, OutcomeKind::k_done);
}

TEST_F(ExecHandlerTest, SaysWhyAProgramCannotBeStarted) {
  HandlerConfig config = sh("");
  config.command = {"/x/y"};
  EXPECT_EQ(outcome_of(config).error, "cannot start /x/y: No such file or directory");
  EXPECT_EQ(sink_.results().back().outcome.kind, OutcomeKind::k_retry);
  config.command = {"/etc/passwd"};
  EXPECT_EQ(outcome_of(config).error, "cannot start /etc/passwd: Permission denied");
  config.command = {"/bin/true"};
  config.cwd = "/no/such/place";
  EXPECT_EQ(outcome_of(config).error,
            "cannot start /bin/true in /no/such/place: No such file or directory");
}

TEST_F(ExecHandlerTest, TellsAProgramThatWasNotHeardFromOneThatFailed) {
  HandlerConfig missing = sh("");
  missing.command = {"/x/y"};
  EXPECT_TRUE(outcome_of(missing).is_transport);
  HandlerConfig slow = sh("sleep 100");
  slow.timeout = Milliseconds{100};
  EXPECT_TRUE(outcome_of(slow).is_transport);
  EXPECT_FALSE(outcome_of(sh("exit 1")).is_transport);
  EXPECT_FALSE(outcome_of(sh("kill -9 $$")).is_transport);
}

TEST_F(ExecHandlerTest, KeepsTheEndOfStderrAsTheError) {
  const auto outcome = outcome_of(sh("echo first >&2; printf 'bad \\377 byte\\n' >&2; exit 1"));
  EXPECT_EQ(outcome.error, "exit status 1: first\nbad \xEF\xBF\xBD byte");
}

TEST_F(ExecHandlerTest, BoundsAFloodOfOutput) {
  const auto outcome = outcome_of(
      sh("yes é | head -c 99999999 >&2; yes x | head -c 50000000; echo >&2 the end; exit 1"));
  EXPECT_EQ(outcome.kind, OutcomeKind::k_retry);
  EXPECT_LE(outcome.error.size(), k_stderr_kept + 100);
  EXPECT_GT(outcome.error.size(), k_stderr_kept - 10);
  EXPECT_THAT(outcome.error, testing::EndsWith("é\nthe end"));
}

TEST_F(ExecHandlerTest, ObeysRetryAfterOnTheLastLineOfAFailure) {
  const auto said = outcome_of(sh("echo log; echo '{\"retry_after\": 1.5}'; exit 1"));
  EXPECT_EQ(said.retry_after, Milliseconds{1500});
  EXPECT_FALSE(outcome_of(sh("echo '{\"retry_after\": 30}'; echo log; exit 1")).retry_after);
  EXPECT_FALSE(outcome_of(sh("echo '{\"retry_after\": \"soon\"}'; exit 1")).retry_after);
  EXPECT_FALSE(outcome_of(sh("echo '{\"retry_after\": 30}'; exit 0")).retry_after);
}

TEST_F(ExecHandlerTest, EndsAProgramThatTakesTooLongAndWhatItStarted) {
  HandlerConfig config = sh("echo working >&2; sleep 100 & wait");
  config.timeout = Milliseconds{200};
  const auto outcome = outcome_of(config);
  EXPECT_EQ(outcome.kind, OutcomeKind::k_retry);
  EXPECT_EQ(outcome.error, "timed out after 200ms: working");
}

TEST_F(ExecHandlerTest, KillsAProgramThatIgnoresSigterm) {
  HandlerConfig config =
      sh("trap '' TERM; echo $$ > " + file("pid") + "; while :; do sleep 0.05; done");
  config.timeout = Milliseconds{300};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(outcome_of(config).error, "timed out after 300ms");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, config.timeout + k_short_grace);
  const int pid = std::stoi(test::read_file(file("pid")));
  EXPECT_TRUE(eventually([&] { return ::kill(-pid, 0) != 0; })) << "its group lives on";
}

TEST_F(ExecHandlerTest, DoesNotWaitForADaemonThatHoldsStdout) {
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome =
      outcome_of(sh("setsid sh -c 'echo $$ > " + file("pid") + "; sleep 60' & while [ ! -s " +
                    file("pid") + " ]; do sleep 0.01; done; echo '{\"retry_after\": 9}'; exit 1"));
  EXPECT_EQ(outcome.retry_after, Milliseconds{9000});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{15});
  const int pid = std::stoi(test::read_file(file("pid")));
  EXPECT_EQ(::kill(pid, 0), 0) << "a daemon of its own is left alone";
  ::kill(-pid, SIGKILL);
}

TEST_F(ExecHandlerTest, RunsAsManyAtOnceAsItsConcurrency) {
  HandlerConfig config = sh("touch " + file("") + "run.$EVD_EVENT_ID; while [ ! -e " + file("go") +
                            " ]; do sleep 0.01; done");
  config.concurrency = 2;
  make(config);
  EXPECT_EQ(handler_->capacity(), 2);
  start(3);
  EXPECT_TRUE(eventually([&] { return exists("run.42") && exists("run.43"); }));
  EXPECT_FALSE(exists("run.44"));
  test::write_file(file("go"), "");
  EXPECT_TRUE(sink_.wait_for_results(3));
  EXPECT_TRUE(exists("run.44"));
}

TEST_F(ExecHandlerTest, ReportsEachAttemptOnceWithItsPlaceInTheBatch) {
  HandlerConfig config = sh("[ $EVD_EVENT_ID != 45 ]");
  make(config);
  start(50);
  ASSERT_TRUE(sink_.wait_for_results(50));
  std::set<std::uint32_t> indexes;
  for (const Result& result : sink_.results()) {
    EXPECT_EQ(result.batch, 7U);
    indexes.insert(result.index);
    EXPECT_EQ(result.outcome.kind, result.index == 3 ? OutcomeKind::k_retry : OutcomeKind::k_done);
  }
  EXPECT_EQ(indexes.size(), 50U);
}

TEST_F(ExecHandlerTest, HandsBackWhatIsInterrupted) {
  HandlerConfig config = sh("touch " + file("") + "run.$EVD_EVENT_ID; sleep 100");
  config.concurrency = 1;
  make(config);
  start(2);
  ASSERT_TRUE(eventually([&] { return exists("run.42"); }));
  handler_->interrupt();
  ASSERT_TRUE(sink_.wait_for_results(2));
  for (const Result& result : sink_.results()) {
    EXPECT_EQ(result.outcome.kind, OutcomeKind::k_handed_back);
  }
  EXPECT_FALSE(exists("run.43"));
  EXPECT_EQ(outcome_of(sh("exit 0")).kind, OutcomeKind::k_done) << "it goes on afterwards";
}

TEST_F(ExecHandlerTest, EndsItsChildrenWithItself) {
  make(sh("trap '' TERM; echo $$ > " + file("pid") + "; while :; do sleep 0.05; done"));
  start(1);
  ASSERT_TRUE(eventually([&] { return exists("pid") && !test::read_file(file("pid")).empty(); }));
  const int pid = std::stoi(test::read_file(file("pid")));
  handler_.reset();
  EXPECT_NE(::kill(pid, 0), 0);
  ASSERT_EQ(sink_.results().size(), 1U);
  EXPECT_EQ(sink_.results().front().outcome.kind, OutcomeKind::k_handed_back);
}

TEST(OutputTail, KeepsTheEndAtACodePoint) {
  OutputTail tail(5);
  tail.append("aaaaaaaaaaaa\xC3\xA9");
  tail.append("\xC3\xA9z");
  EXPECT_EQ(tail.text(), "ééz");
  OutputTail cut(4);
  cut.append("éé");
  cut.append("z");
  EXPECT_EQ(cut.text(), "éz");
}

TEST(OutputTail, FindsTheLastLine) {
  OutputTail tail(16);
  EXPECT_EQ(tail.last_line(), "");
  tail.append("one\ntw");
  tail.append("o\n\n");
  EXPECT_EQ(tail.last_line(), "two");
  tail.append(std::string(40, 'x'));
  EXPECT_EQ(tail.last_line(), "") << "half a line is none";
}

}  // namespace
}  // namespace evd::handlers
