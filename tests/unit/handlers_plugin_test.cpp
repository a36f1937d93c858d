#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "common/handlers/plugin_handler.hpp"
#include "tests/support/recording_sink.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::handlers {
namespace {

using journal::OutcomeKind;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string plugin(const std::string& name) {
  return std::string(std::getenv("EVD_PLUGIN_DIR")) + "/evd_" + name + ".so";
}

class PluginHandlerTest : public testing::Test {
 protected:
  PluginHandlerTest() {
    setenv("EVD_TEST_CALLS", (dir_ / "calls").c_str(), 1);
    setenv("EVD_TEST_RELEASE", (dir_ / "release").c_str(), 1);
    config_.name = "fast";
    config_.kind = HandlerKind::k_plugin;
    config_.plugin = plugin("test_obedient");
    config_.batch = 10;
    config_.concurrency = 1;
  }

  void make() {
    handler_.emplace(config_, "shop", sink_, std::string(std::getenv("EVD_BIN_DIR")) + "/evd");
  }

  Attempt attempt(const std::string& args, bool suspect = false) {
    auto event = std::make_shared<journal::Event>();
    event->id = next_id_++;
    event->args = args;
    auto route = std::make_shared<journal::Route>();
    route->event_name = "purchased";
    Attempt attempt;
    attempt.event = std::move(event);
    attempt.route = std::move(route);
    attempt.is_suspect = suspect;
    return attempt;
  }

  void start_batch(std::vector<Attempt> attempts) {
    Batch batch;
    batch.id = 7;
    batch.attempts = std::move(attempts);
    handler_->start(std::move(batch));
  }
  void start(const std::vector<std::string>& args, bool suspect = false) {
    std::vector<Attempt> attempts;
    for (const std::string& text : args) attempts.push_back(attempt(text, suspect));
    start_batch(std::move(attempts));
  }

  // The outcomes by the attempts' places in the batch, once all are there.
  std::vector<journal::Outcome> outcomes(std::size_t count) {
    EXPECT_TRUE(sink_.wait_for_results(count));
    std::vector<journal::Outcome> by_index(count);
    for (const Result& result : sink_.results()) by_index.at(result.index) = result.outcome;
    return by_index;
  }

  std::string calls() const { return test::read_file(dir_ / "calls"); }

  test::TempDir dir_;
  HandlerConfig config_;
  test::RecordingSink sink_;
  std::int64_t next_id_ = 1;
  std::optional<PluginHandler> handler_;
};

TEST_F(PluginHandlerTest, RunsABatchAndSaysWhatBecameOfEachEvent) {
  make();
  start({"1", "\"fail\"", "\"permanent\"", "\"later\"", "\"odd\"", "6"});
  const auto ended = outcomes(6);
  EXPECT_EQ(ended[0].kind, OutcomeKind::k_done);
  EXPECT_EQ(ended[1].kind, OutcomeKind::k_retry);
  EXPECT_EQ(ended[1].error, "as it was told");
  EXPECT_EQ(ended[1].retry_after, std::nullopt);
  EXPECT_EQ(ended[2].kind, OutcomeKind::k_failed);
  EXPECT_EQ(ended[2].error, "never");
  EXPECT_EQ(ended[3].kind, OutcomeKind::k_retry);
  EXPECT_EQ(ended[3].retry_after, Milliseconds{30'000});
  EXPECT_EQ(ended[4].error, "it threw something");
  EXPECT_EQ(ended[5].kind, OutcomeKind::k_done);
  EXPECT_THAT(calls(), HasSubstr("1 1 shop:1:fast " + std::to_string(getpid())));
  EXPECT_THAT(calls(), HasSubstr("6 1 shop:6:fast "));
}

TEST_F(PluginHandlerTest, ReportsABatchThatIsLargerThanACallInParts) {
  config_.batch = 2;
  make();
  start({"1", "2", "\"fail\"", "4", "5"});
  EXPECT_EQ(outcomes(5)[2].kind, OutcomeKind::k_retry);
}

TEST_F(PluginHandlerTest, ASuspectThatCrashesEndsOnlyItsOwnProcess) {
  make();
  start({"\"crash\"", "2"}, true);
  const auto ended = outcomes(2);
  EXPECT_EQ(ended[0].kind, OutcomeKind::k_retry);
  EXPECT_THAT(ended[0].error,
              AllOf(HasSubstr("the plugin crashed: signal 11"), HasSubstr("Segmentation")));
  EXPECT_EQ(ended[1].kind, OutcomeKind::k_done);
  EXPECT_THAT(calls(), Not(HasSubstr(" " + std::to_string(getpid()) + "\n")));
}

TEST_F(PluginHandlerTest, ASuspectAmongOthersRunsInAProcessOfItsOwn) {
  make();
  start_batch({attempt("1"), attempt("2", true), attempt("3")});
  for (const journal::Outcome& outcome : outcomes(3)) EXPECT_EQ(outcome.kind, OutcomeKind::k_done);
  const std::string here = " " + std::to_string(getpid()) + "\n";
  EXPECT_THAT(calls(), AllOf(HasSubstr("shop:1:fast" + here), HasSubstr("shop:3:fast" + here)));
  EXPECT_THAT(calls(), AllOf(HasSubstr("shop:2:fast "), Not(HasSubstr("shop:2:fast" + here))));
}

TEST_F(PluginHandlerTest, ASuspectsOutcomeIsThatOfTheChild) {
  make();
  start({"\"permanent\"", "\"later\"", "[9007199254740993]"}, true);
  const auto ended = outcomes(3);
  EXPECT_EQ(ended[0].kind, OutcomeKind::k_failed);
  EXPECT_EQ(ended[0].error, "never");
  EXPECT_EQ(ended[1].error, "not now");
  EXPECT_EQ(ended[1].retry_after, Milliseconds{30'000});
  EXPECT_EQ(ended[2].kind, OutcomeKind::k_done);
  EXPECT_THAT(calls(), HasSubstr("1 1 shop:1:fast "));
}

TEST_F(PluginHandlerTest, ASuspectThatHangsIsEndedAfterItsTimeout) {
  config_.timeout = Milliseconds{200};
  make();
  start({"\"hold\""}, true);
  EXPECT_EQ(outcomes(1)[0].error, "timed out after 200ms");
}

TEST_F(PluginHandlerTest, AnInterruptionGivesBackWhatNoCallHasBegun) {
  config_.batch = 1;
  make();
  start({"\"hold\"", "2"});
  ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(dir_ / "calls"); }));
  handler_->interrupt();
  test::write_file(dir_ / "release", "");
  const auto ended = outcomes(2);
  EXPECT_EQ(ended[0].kind, OutcomeKind::k_done);
  EXPECT_EQ(ended[1].kind, OutcomeKind::k_handed_back);
}

TEST_F(PluginHandlerTest, WhatIsNoPluginIsRefusedWithTheReason) {
  const auto problem = [&](const std::string& path) {
    config_.plugin = path;
    try {
      make();
    } catch (const PluginError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(problem("/nowhere.so"), HasSubstr("/nowhere.so"));
  EXPECT_THAT(problem(plugin("test_no_entry")), HasSubstr("is no plugin"));
  EXPECT_THAT(problem(plugin("test_other_abi")),
              HasSubstr("built for version 2 of the plugin interface, not 1"));
  setenv("EVD_TEST_REFUSE", "", 1);
  EXPECT_THAT(problem(plugin("test_obedient")), HasSubstr("asked not to"));
  unsetenv("EVD_TEST_REFUSE");
}

TEST_F(PluginHandlerTest, RunsTheExamplesOfTheDocuments) {
  setenv("SCORE_FILE", (dir_ / "score").c_str(), 1);
  config_.plugin = plugin("example_score");
  make();
  start({R"(["user A", 5000])"});
  EXPECT_EQ(outcomes(1)[0].kind, OutcomeKind::k_done);
  EXPECT_EQ(test::read_file(dir_ / "score"), "shop:1:fast purchased [\"user A\", 5000]\n");

  test::RecordingSink sink;
  config_.plugin = plugin("example_lottery");
  PluginHandler lottery(config_, "shop", sink);
  Batch batch;
  Attempt attempt;
  auto event = std::make_shared<journal::Event>();
  event->args = "{}";
  attempt.event = event;
  attempt.route = std::make_shared<journal::Route>();
  batch.attempts.push_back(attempt);
  lottery.start(std::move(batch));
  ASSERT_TRUE(sink.wait_for_results(1));
  EXPECT_EQ(sink.results()[0].outcome.error, "args must be [buyer, amount]");
}

}  // namespace
}  // namespace evd::handlers
