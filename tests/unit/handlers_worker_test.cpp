#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "common/handlers/line_reader.hpp"
#include "common/handlers/worker_handler.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/recording_sink.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::handlers {
namespace {

using journal::OutcomeKind;
using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;

// --- lines

std::vector<std::string> lines_of(const std::vector<std::string>& chunks, std::size_t limit = 10) {
  LineReader reader(limit);
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line, bool is_cut) {
    lines.push_back(std::string(line) + (is_cut ? "…" : ""));
  };
  for (const std::string& chunk : chunks) reader.append(chunk, keep);
  reader.finish(keep);
  return lines;
}

TEST(LineReader, CutsWhatComesInAnyPiecesIntoLines) {
  EXPECT_THAT(lines_of({"one\ntwo\n"}), ElementsAre("one", "two"));
  EXPECT_THAT(lines_of({"o", "ne\nt", "wo", "\n", "\nend"}), ElementsAre("one", "two", "", "end"));
}

TEST(LineReader, GivesOfALongLineTheBeginningAndSkipsTheRest) {
  EXPECT_THAT(lines_of({"0123456789\n"}), ElementsAre("0123456789"));
  EXPECT_THAT(lines_of({"0123456789abc\nnext\n"}), ElementsAre("0123456789…", "next"));
  EXPECT_THAT(lines_of({"01234", "56789", "abc", "def\nnext\n"}),
              ElementsAre("0123456789…", "next"));
}

// --- replies

journal::Outcome outcome_of(const std::string& rest) {
  auto reply = parse_reply(R"({"id": 42, "handler": "score", )" + rest + "}");
  if (const auto* why = std::get_if<std::string>(&reply)) throw Error(*why);
  EXPECT_EQ(std::get<WorkerReply>(reply).event_id, 42);
  EXPECT_EQ(std::get<WorkerReply>(reply).handler, "score");
  return std::get<WorkerReply>(reply).outcome;
}

TEST(WorkerReply, IsAnOutcome) {
  EXPECT_EQ(outcome_of(R"("ok": true)").kind, OutcomeKind::k_done);
  EXPECT_EQ(outcome_of(R"("ok": true, "error": null)").kind, OutcomeKind::k_done);
  const auto failed = outcome_of(R"("error": "no luck", "retry_after": 1.5)");
  EXPECT_EQ(failed.kind, OutcomeKind::k_retry);
  EXPECT_EQ(failed.error, "no luck");
  EXPECT_EQ(failed.retry_after, Milliseconds{1'500});
  EXPECT_FALSE(failed.is_transport);
  EXPECT_EQ(outcome_of(R"("error": "never", "permanent": true)").kind, OutcomeKind::k_failed);
  EXPECT_EQ(outcome_of(R"("error": {"code": 7})").error, R"({"code":7})");
  EXPECT_EQ(outcome_of(R"("error": "")").kind, OutcomeKind::k_retry);
  EXPECT_EQ(outcome_of(R"("ok": true, "error": "both")").kind, OutcomeKind::k_retry);
}

TEST(WorkerReply, ThatCannotBeUnderstoodSaysWhy) {
  const auto why = [](const std::string& line) { return std::get<std::string>(parse_reply(line)); };
  EXPECT_THAT(why("{oops"), HasSubstr("is not JSON: {oops"));
  EXPECT_THAT(why(R"({"handler": "score", "ok": true})"), HasSubstr("has no \"id\""));
  EXPECT_THAT(why(R"({"id": "42", "handler": "score", "ok": true})"), HasSubstr("has no \"id\""));
  EXPECT_THAT(why(R"({"id": 42, "ok": true})"), HasSubstr("has no \"handler\""));
  EXPECT_THAT(why(R"({"id": 42, "handler": "score"})"), HasSubstr("neither"));
  EXPECT_THAT(why(R"({"id": 42, "handler": "score", "ok": false})"), HasSubstr("neither"));
  EXPECT_LT(why("{" + std::string(10'000, 'x')).size(), 300U);
}

// --- processes

class WorkerHandlerTest : public testing::Test {
 protected:
  // A shell script that does something with each event, whose id is in $id.
  HandlerConfig sh(const std::string& for_each, const std::string& first = "") {
    HandlerConfig config;
    config.name = "score";
    config.kind = HandlerKind::k_worker;
    config.command = {"/bin/sh", "-c",
                      "ok() { echo \"{\\\"id\\\": $id, \\\"handler\\\": \\\"score\\\", "
                      "\\\"ok\\\": true}\"; }\n" +
                          first + "\necho start >> " + file("starts") +
                          "\nwhile read -r line; do id=${line#*: }; id=${id%%,*}\n" + for_each +
                          "\ndone"};
    config.timeout = std::chrono::seconds{20};
    config.concurrency = 8;
    return config;
  }

  void make(const HandlerConfig& config) {
    handler = std::make_unique<WorkerHandler>(config, "shop", sink, logger, Milliseconds{200});
  }

  void start(const std::vector<std::int64_t>& ids, const std::string& args = "[]",
             std::int64_t suspect = 0) {
    Batch batch;
    batch.id = 7;
    for (const std::int64_t id : ids) {
      Attempt attempt;
      attempt.event = std::make_shared<const journal::Event>(
          journal::Event{.id = id, .args = args, .key = {}, .headers = {}});
      attempt.route = std::make_shared<const journal::Route>(
          journal::Route{.id = 1, .event_name = "purchased", .expected = {"score"}});
      attempt.is_suspect = id == suspect;
      batch.attempts.push_back(attempt);
    }
    handler->start(std::move(batch));
  }

  // By the index in the batch.
  std::map<std::uint32_t, journal::Outcome> outcomes(std::size_t count) {
    EXPECT_TRUE(sink.wait_for_results(count));
    std::map<std::uint32_t, journal::Outcome> found;
    for (const Result& result : sink.results()) {
      EXPECT_TRUE(found.emplace(result.index, result.outcome).second) << "told twice";
    }
    return found;
  }

  std::string file(const std::string& name) { return (directory / name).string(); }
  long starts() {
    const std::string text = test::read_file(file("starts"));
    return std::count(text.begin(), text.end(), '\n');
  }

  test::TempDir directory;
  test::RecordingSink sink;
  logging::RecordingLogger logger;
  std::unique_ptr<WorkerHandler> handler;
};

TEST_F(WorkerHandlerTest, GivesEachEventOnALineAndTakesTheAnswers) {
  make(sh("printf '%s\\n' \"$line\" >> " + file("in") + "; ok"));
  start({1, 2, 3});
  for (const auto& [index, outcome] : outcomes(3)) EXPECT_EQ(outcome.kind, OutcomeKind::k_done);
  EXPECT_EQ(starts(), 1);
  std::ifstream lines(file("in"));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto event = nlohmann::json::parse(line);
  EXPECT_EQ(event.at("event_name"), "purchased");
  EXPECT_EQ(event.at("idempotency_key"), "shop:1:score");
}

TEST_F(WorkerHandlerTest, TakesAnswersInAnyOrder) {
  make(sh("[ $id = 1 ] && { first=$id; continue; }; ok; id=$first; ok"));
  start({1, 2});
  for (const auto& [index, outcome] : outcomes(2)) EXPECT_EQ(outcome.kind, OutcomeKind::k_done);
  EXPECT_EQ(sink.results().front().index, 1U);
}

TEST_F(WorkerHandlerTest, GivesAnEventLargerThanAPipe) {
  make(sh("ok"));
  start({1, 2}, "[\"" + std::string(1'000'000, 'x') + "\"]");
  for (const auto& [index, outcome] : outcomes(2)) EXPECT_EQ(outcome.kind, OutcomeKind::k_done);
}

TEST_F(WorkerHandlerTest, UsesAllItsProcesses) {
  HandlerConfig config = sh("touch " + file("here") + ".$$; while [ $(ls " + file("here") +
                            ".* | wc -l) -lt 3 ]; do sleep 0.01; done; ok");
  config.processes = 3;
  make(config);
  start({1, 2, 3});
  for (const auto& [index, outcome] : outcomes(3)) EXPECT_EQ(outcome.kind, OutcomeKind::k_done);
  EXPECT_EQ(starts(), 3);
}

TEST_F(WorkerHandlerTest, LogsWhatIsNoReply) {
  make(sh("echo hello; echo oops >&2; ok"));
  start({1});
  EXPECT_EQ(outcomes(1).at(0).kind, OutcomeKind::k_done);
  const auto has_logged = [&](const char* text) {
    return eventually([&] { return logger.contains(logging::Level::k_info, text); });
  };
  EXPECT_TRUE(has_logged("stdout=hello"));
  EXPECT_TRUE(has_logged("stderr=oops"));
}

TEST_F(WorkerHandlerTest, OneThatCannotBeStartedIsAFailureOfTransport) {
  HandlerConfig config = sh("ok");
  config.command = {"/nowhere/score"};
  make(config);
  start({1});
  const auto outcome = outcomes(1).at(0);
  EXPECT_EQ(outcome.kind, OutcomeKind::k_retry);
  EXPECT_THAT(outcome.error, HasSubstr("/nowhere/score"));
  EXPECT_TRUE(outcome.is_transport);
}

TEST_F(WorkerHandlerTest, OneThatDiesAtOnceIsToldWithWhatItSaid) {
  make(sh("ok", "echo 'no module' >&2; exit 3"));
  start({1});
  const auto outcome = outcomes(1).at(0);
  EXPECT_EQ(outcome.kind, OutcomeKind::k_retry);
  EXPECT_THAT(outcome.error, HasSubstr("exit status 3: no module"));
  EXPECT_TRUE(outcome.is_transport);
}

TEST_F(WorkerHandlerTest, OfWhatWasWithOneThatDiesOnlyTheEventToBlameFails) {
  make(sh("[ $id = 3 ] && exit 9; sleep 0.05; ok"));
  start({1, 2, 3, 4, 5});
  const auto found = outcomes(5);
  for (const std::uint32_t index : {0U, 1U, 3U, 4U})
    EXPECT_EQ(found.at(index).kind, OutcomeKind::k_done) << index;
  EXPECT_EQ(found.at(2).kind, OutcomeKind::k_retry);
  EXPECT_THAT(found.at(2).error, HasSubstr("exit status 9"));
}

TEST_F(WorkerHandlerTest, ASuspectTakesNoOtherEventWithIt) {
  make(sh("[ $id = 2 ] && exit 9; ok"));
  start({1, 2, 3}, "[]", 2);
  const auto found = outcomes(3);
  EXPECT_EQ(found.at(0).kind, OutcomeKind::k_done);
  EXPECT_EQ(found.at(1).kind, OutcomeKind::k_retry);
  EXPECT_EQ(found.at(2).kind, OutcomeKind::k_done);
  EXPECT_EQ(starts(), 2) << "the one that it ended, and the others' own";
}

TEST_F(WorkerHandlerTest, AStuckEventFailsAlone) {
  HandlerConfig config = sh("[ $id = 1 ] && ok");  // and never the other one
  config.timeout = std::chrono::milliseconds{300};
  make(config);
  start({1, 2});
  ASSERT_TRUE(sink.wait_for_results(1));
  const auto found = outcomes(2);
  EXPECT_EQ(found.at(0).kind, OutcomeKind::k_done);
  EXPECT_THAT(found.at(1).error, HasSubstr("timed out after 300ms"));
  EXPECT_TRUE(found.at(1).is_transport);
}

TEST_F(WorkerHandlerTest, NeighboursOfAStuckEventThatDidNotAnswerAreRunAgainUncounted) {
  // The first process never answers; the second event is given later, so that it is not overdue.
  HandlerConfig config = sh("[ $(wc -l < " + file("starts") + ") = 1 ] && continue; ok");
  config.timeout = std::chrono::milliseconds{500};
  make(config);
  start({1});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file("starts")); }));
  std::this_thread::sleep_for(std::chrono::milliseconds{100});  // the deadlines must differ
  Batch batch;
  batch.id = 8;
  Attempt attempt;
  attempt.event = std::make_shared<const journal::Event>(
      journal::Event{.id = 2, .args = "[]", .key = {}, .headers = {}});
  attempt.route = std::make_shared<const journal::Route>(
      journal::Route{.id = 1, .event_name = "purchased", .expected = {"score"}});
  batch.attempts.push_back(attempt);
  handler->start(std::move(batch));
  ASSERT_TRUE(sink.wait_for_results(2));
  EXPECT_EQ(sink.results()[0].batch, 7U);
  EXPECT_THAT(sink.results()[0].outcome.error, HasSubstr("timed out"));
  EXPECT_EQ(sink.results()[1].batch, 8U);
  EXPECT_EQ(sink.results()[1].outcome.kind, OutcomeKind::k_done);
  EXPECT_EQ(starts(), 2);
}

TEST_F(WorkerHandlerTest, AReplyThatCannotBeUnderstoodIsTheErrorOfItsEvent) {
  make(sh("[ $id = 2 ] && { echo '{oops'; continue; }; sleep 0.05; ok"));
  start({1, 2, 3});
  const auto found = outcomes(3);
  EXPECT_EQ(found.at(0).kind, OutcomeKind::k_done);
  EXPECT_THAT(found.at(1).error, HasSubstr("is not JSON: {oops"));
  EXPECT_FALSE(found.at(1).is_transport);
  EXPECT_EQ(found.at(2).kind, OutcomeKind::k_done);
}

TEST_F(WorkerHandlerTest, AReplyThatIsTooLongIsTheErrorOfItsEvent) {
  make(sh("printf '{'; head -c 2000000 /dev/zero | tr '\\0' x; echo"));
  start({1});
  EXPECT_THAT(outcomes(1).at(0).error, HasSubstr("longer than a line may be"));
}

TEST_F(WorkerHandlerTest, AnInterruptGivesBackWhatRuns) {
  make(sh("sleep 30; ok"));
  start({1, 2});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file("starts")); }));
  handler->interrupt();
  for (const auto& [index, outcome] : outcomes(2))
    EXPECT_EQ(outcome.kind, OutcomeKind::k_handed_back);
}

TEST_F(WorkerHandlerTest, OneThatHasNothingToDoEndsWithItsStdin) {
  make(sh("ok"));
  start({1});
  outcomes(1);
  handler.reset();
  EXPECT_FALSE(logger.contains(logging::Level::k_warn, "worker ended"));
}

// The examples of docs/examples/worker: an event that is done, one that fails for good, one that is
// not what they expect.
struct Example {
  const char* name;
  std::vector<std::string> command;
};

class WorkerExample : public WorkerHandlerTest, public testing::WithParamInterface<Example> {};

TEST_P(WorkerExample, AnswersEachEvent) {
  HandlerConfig config = sh("");
  config.command = GetParam().command;
  config.command.push_back(std::string(EVD_SOURCE_DIR "/docs/examples/worker/score.") +
                           GetParam().name);
  make(config);
  start({9'007'199'254'740'991}, R"(["user A", 5000])");
  EXPECT_EQ(outcomes(1).at(0).kind, OutcomeKind::k_done) << outcomes(1).at(0).error;
  start({2}, R"(["user A", -1])");
  ASSERT_TRUE(sink.wait_for_results(2));
  EXPECT_EQ(sink.results()[1].outcome.kind, OutcomeKind::k_failed);
  EXPECT_EQ(sink.results()[1].outcome.error, "a negative amount");
  start({3}, R"(["user A"])");
  ASSERT_TRUE(sink.wait_for_results(3));
  EXPECT_EQ(sink.results()[2].outcome.kind, OutcomeKind::k_retry);
  EXPECT_NE(sink.results()[2].outcome.error, "");
}

INSTANTIATE_TEST_SUITE_P(Worker, WorkerExample,
                         testing::Values(Example{"py", {"python3"}}, Example{"mjs", {"node"}},
                                         Example{"sh", {"bash"}}, Example{"php", {"php"}}),
                         [](const auto& example) { return std::string(example.param.name); });

TEST_F(WorkerHandlerTest, OneThatReadsNoMoreIsStuckAndCostsNothingMeanwhile) {
  HandlerConfig config = sh("ok", "exec <&-; sleep 30");
  config.timeout = std::chrono::milliseconds{300};
  make(config);
  start({1});
  EXPECT_THAT(outcomes(1).at(0).error, HasSubstr("timed out"));
}

}  // namespace
}  // namespace evd::handlers
