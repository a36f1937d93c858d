// What is left of a node's work when its lease, its connection or its time is over.
#include "tests/support/dispatcher_fixture.hpp"

namespace evd::test {
namespace {

using std::chrono::seconds;

class DispatcherLease : public DispatcherFixture {
 protected:
  // All that is left runs to its end, on this node.
  void finish_all(const std::vector<std::int64_t>& ids) {
    for (int i = 0; i < 50 && !all_settled(ids); ++i) {
      run();
      for (FakeHandler* handler : {a_, b_}) {
        if (handler) handler->end_all();
      }
      run_for(seconds{1});
    }
    EXPECT_TRUE(all_settled(ids));
    EXPECT_TRUE(dispatcher_->is_idle());
  }

  // The process does not run for long, and another takes over, before it sees the call's answer.
  void halt_in(const std::string& call) {
    journal_.before_answer(call, [&] {
      clock_.advance(seconds{20});
      take_over();
    });
  }

  int most_attempts() const {
    int most = 0;
    for (const journal::DeliveryRow& row : memory_.deliveries())
      most = std::max(most, row.attempts);
    return most;
  }
};

TEST_F(DispatcherLease, ATakenOverWindowDropsItsResults) {
  start({"a"});
  emit("a", 2);
  run();
  take_over();
  const auto taken_over = rows("a");
  EXPECT_THAT(taken_over, ElementsAre("1 waiting 1/1", "2 waiting 1/1"));
  a_->end(1, {});
  a_->end(2, k_hopeless);
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_EQ(rows("a"), taken_over);
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_TRUE(logger_.contains(logging::Level::k_warn, "takeover"));
}

TEST_F(DispatcherLease, LateResultsOfTheFormerNodeChangeNothing) {
  start({"a"});
  a_->set_capacity(3);
  emit("a", 3);
  run_for(seconds{1});  // all are deliveries now, run 1
  emit("b", 1);
  EXPECT_THAT(rows("a"), ElementsAre("1 running 1/1", "2 running 1/1", "3 running 1/1"));
  take_over();
  EXPECT_THROW(run_for(seconds{1}), journal::NodeFenced);
  join();
  const int reports = journal_.calls("finish");
  a_->end(1, {});
  a_->end(2, k_hopeless);
  run();
  EXPECT_EQ(journal_.calls("finish"), reports) << "nobody is asked about them";
  EXPECT_THAT(rows("a"), ElementsAre("1 running 2/2", "2 running 2/2", "3 waiting 1/1"))
      << "the slots that are free again take them up";
  EXPECT_TRUE(a_->last_attempt().is_suspect);
  a_->end_all();
  run();
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled({1, 2, 3}));
  EXPECT_TRUE(dispatcher_->is_idle());
}

TEST_F(DispatcherLease, LateResultsOfFormerDeliveriesChangeNothing) {
  start({"a"});
  a_->set_capacity(1);
  emit("a");
  run();
  a_->end_all(k_try_again);
  run_for(seconds{11});
  ASSERT_THAT(rows("a"), ElementsAre("1 running 2/2"));
  take_over();
  join();
  const int reports = journal_.calls("finish");
  a_->end_all(k_hopeless);
  run();
  EXPECT_EQ(journal_.calls("finish"), reports);
  EXPECT_THAT(rows("a"), ElementsAre("1 running 3/3"));
}

TEST_F(DispatcherLease, AWindowAnsweredAfterTheTakeoverStartsNothing) {
  start({"a"});
  emit("a", 2);
  halt_in("claim");
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_THAT(a_->started(), IsEmpty());
  join();
  finish_all({1, 2});
  EXPECT_THAT(a_->started(), ElementsAre(1, 2)) << "none twice";
}

// It was the node's when it was asked for, and all of it is escalated: nothing else is refused.
TEST_F(DispatcherLease, AWindowClaimedAheadBeforeTheTakeoverStartsNothing) {
  journal::HandlerPolicy once;
  once.name = "a";
  once.max_attempts = 1;
  memory_.set_handler(once);
  start({"a"});
  emit("a", 15);
  dispatcher_->step();
  ASSERT_EQ(a_->started().size(), 10U);
  a_->end_all();
  clock_.advance(seconds{20});
  take_over();
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_EQ(a_->started().size(), 10U);
}

TEST_F(DispatcherLease, APartAnsweredAfterTheTakeoverStartsNothing) {
  start({"a"});
  memory_.pause("a");
  run();
  emit("a", 2);
  run();
  memory_.resume("a");
  clock_.advance(seconds{1});
  halt_in("take_part");
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_THAT(a_->started(), IsEmpty());
  join();
  finish_all({1, 2});
  EXPECT_THAT(a_->started(), ElementsAre(1, 2)) << "none twice";
}

TEST_F(DispatcherLease, DeliveriesAnsweredAfterTheTakeoverStartNothing) {
  start({"a"});
  emit("a");
  run();
  a_->end_all(k_try_again);
  run();
  clock_.advance(seconds{10});
  halt_in("take_deliveries");
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_THAT(a_->started(), ElementsAre(1));
  join();
  finish_all({1});
  EXPECT_THAT(a_->started(), ElementsAre(1, 1));
}

TEST_F(DispatcherLease, AWindowThatOnlyWaitsToBeClosedStartsNothingMore) {
  start({"a", "s"});
  a_->set_capacity(1);
  emit("as", 3);
  run();
  ASSERT_THAT(a_->started(), ElementsAre(1));
  clock_.advance(seconds{20});  // halted amid it, and an sql batch has not ended yet
  take_over();
  a_->end_all();
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_THAT(a_->started(), ElementsAre(1));
}

TEST_F(DispatcherLease, WhatIsAnsweredLateAndStillTheNodesRuns) {
  start({"a"});
  const auto ids = emit("a", 2);
  journal_.before_answer("claim", [&] { clock_.advance(seconds{20}); });
  run();
  EXPECT_EQ(a_->running(), ids);
}

TEST_F(DispatcherLease, StartingOverDropsWhatIsHeldAndReported) {
  start({"a"});
  a_->set_capacity(1);
  emit("a", 5);
  run();
  take_over();
  join();
  EXPECT_FALSE(dispatcher_->is_idle()) << "one still runs";
  run_for(seconds{2});
  EXPECT_EQ(journal_.calls("close"), 0) << "the former node's window";
  EXPECT_THAT(a_->started(), ElementsAre(1));
  finish_all({1, 2, 3, 4, 5});
  EXPECT_EQ(a_->most_at_once(), 1U);
}

TEST_F(DispatcherLease, StartingOverDropsWhatWasToBeReported) {
  start({"a"});
  emit("a");
  run_for(seconds{1});
  a_->end_all(k_hopeless);
  journal_.lose_request("finish");
  EXPECT_THROW(run(), pg::Error);
  take_over();
  join();
  run();
  EXPECT_EQ(journal_.calls("finish"), 1) << "the one that was lost";
  EXPECT_THAT(rows("a"), ElementsAre("1 running 2/2"));
}

TEST_F(DispatcherLease, AWindowThatTheDatabaseForgotIsDroppedOnResuming) {
  start({"a"});
  a_->set_capacity(1);
  emit("a", 3);
  run();
  journal_.lose_windows();
  dispatcher_->resume(journal_);
  EXPECT_TRUE(logger_.contains(logging::Level::k_warn, "lost with the connection"));
  a_->end_all(k_try_again);
  run_for(seconds{2});
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_THAT(a_->started(), ElementsAre(1));
  EXPECT_EQ(journal_.calls("close"), 0);
  EXPECT_THAT(memory_.deliveries(), IsEmpty()) << "a late result makes no row";
}

TEST_F(DispatcherLease, ACloseWhoseAnswerWasLostStartsNothingTwice) {
  start({"a"});
  emit("a");
  run();
  clock_.advance(seconds{1});
  journal_.lose_answer("close");
  break_and_resume();
  run_for(seconds{2});
  EXPECT_THAT(a_->started(), ElementsAre(1));
  EXPECT_THAT(rows("a"), ElementsAre("1 running 1/1"));
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled({1}));
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
}

TEST_F(DispatcherLease, AClosedPartWhoseAnswerWasLostStartsNothingTwice) {
  start({"a"});
  memory_.pause("a");
  run();
  emit("a");
  run();
  memory_.resume("a");
  dispatcher_->look_now();
  run();
  ASSERT_THAT(a_->started(), ElementsAre(1));
  clock_.advance(seconds{1});
  journal_.lose_answer("close_part");
  break_and_resume();
  run_for(seconds{2});
  EXPECT_THAT(a_->started(), ElementsAre(1));
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled({1}));
}

TEST_F(DispatcherLease, AWindowWhoseAnswerWasLostIsGivenBack) {
  start({"a", "b"});
  const auto ids = emit("ab", 3);
  journal_.lose_answer("claim");
  break_and_resume();
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
  run();
  EXPECT_EQ(a_->running(), ids);
  finish_all(ids);
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
}

TEST_F(DispatcherLease, AWindowWhoseRoutesCouldNotBeReadIsGivenBack) {
  start({"a"});
  const auto ids = emit("a", 3);
  journal_.lose_request("routes");
  break_and_resume();
  finish_all(ids);
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
}

TEST_F(DispatcherLease, APartWhoseAnswerWasLostIsGivenBack) {
  start({"a", "b"});
  memory_.pause("a");
  run();
  const auto ids = emit("a", 3);
  run();
  memory_.resume("a");
  clock_.advance(seconds{1});
  journal_.lose_answer("take_part");
  break_and_resume();
  EXPECT_TRUE(has_part("a"));
  finish_all(ids);
  EXPECT_EQ(a_->started(), ids);
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
}

TEST_F(DispatcherLease, DeliveriesWhoseAnswerWasLostAreGivenBackUncounted) {
  start({"a"});
  const auto ids = emit("a", 2);
  run();
  a_->end_all(k_try_again);
  run();
  clock_.advance(seconds{10});
  journal_.lose_answer("take_deliveries");
  break_and_resume();
  EXPECT_THAT(rows("a"), ElementsAre("1 waiting 2/1", "2 waiting 2/1"));
  finish_all(ids);
  EXPECT_EQ(most_attempts(), 2);
}

TEST_F(DispatcherLease, ResumingKeepsWhatIsHeldAndWhatRuns) {
  start({"a", "b"});
  a_->set_capacity(2);
  const auto ids = emit("ab", 5);
  run_for(seconds{1});  // two of a are deliveries
  const auto more = emit("b", 2);
  run();
  const auto before = rows("a");
  dispatcher_->resume(journal_);
  EXPECT_EQ(rows("a"), before);
  finish_all({1, 2, 3, 4, 5, 6, 7});
  EXPECT_THAT(a_->started(), ElementsAre(1, 2, 3, 4, 5)) << "none twice";
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
}

TEST_F(DispatcherLease, ResumingKeepsDeliveriesThatRun) {
  start({"a"});
  emit("a");
  run();
  a_->end_all(k_try_again);
  run_for(seconds{11});
  ASSERT_THAT(rows("a"), ElementsAre("1 running 2/2"));
  dispatcher_->resume(journal_);
  EXPECT_THAT(rows("a"), ElementsAre("1 running 2/2"));
  EXPECT_EQ(a_->started().size(), 2U);
}

TEST_F(DispatcherLease, ResumingKeepsWhatIsToBeReported) {
  start({"a"});
  emit("a", 2);
  run_for(seconds{1});
  a_->end(1, {});
  a_->end(2, k_try_again);
  journal_.lose_request("finish");
  break_and_resume();
  EXPECT_THAT(rows("a"), ElementsAre("1 running 1/1", "2 running 1/1"));
  run();
  EXPECT_THAT(rows("a"), ElementsAre("2 waiting 1/1"));
  EXPECT_EQ(journal_.calls("finish"), 2);
}

TEST_F(DispatcherLease, AReportWhoseAnswerWasLostIsSentAgainWithoutHarm) {
  start({"a"});
  emit("a", 2);
  run_for(seconds{1});
  a_->end(1, {});
  a_->end(2, k_try_again);
  journal_.lose_answer("finish");
  break_and_resume();
  run();
  EXPECT_EQ(journal_.calls("finish"), 2);
  EXPECT_THAT(rows("a"), ElementsAre("2 waiting 1/1"));
  EXPECT_THAT(memory_.deliveries().at(0).last_error, "no luck");
}

TEST_F(DispatcherLease, ACloseThatWasLostIsSentAgain) {
  start({"a"});
  const auto ids = emit("a", 2);
  run();
  a_->end_all();
  journal_.lose_request("close");
  break_and_resume();
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(a_->started().size(), 2U);
}

TEST_F(DispatcherLease, ACloseWhoseAnswerWasLostLosesNoPair) {
  start({"a"});
  a_->set_capacity(2);
  const auto ids = emit("a", 4);
  run();
  a_->end(1, k_try_again);
  run();
  clock_.advance(seconds{1});
  journal_.lose_answer("close");
  break_and_resume();
  finish_all(ids);
  for (const journal::DeliveryRow& row : memory_.deliveries()) {
    EXPECT_LE(row.attempts, row.event_id == 1 ? 2 : 1);
  }
}

TEST_F(DispatcherLease, APartsCloseWhoseAnswerWasLostLosesNoPair) {
  start({"a"});
  a_->set_capacity(1);
  const auto ids = emit("a", 4);
  run_for(seconds{1});
  a_->end_all();
  run();
  ASSERT_THAT(a_->running(), ElementsAre(2));
  clock_.advance(seconds{1});
  journal_.lose_answer("close_part");
  break_and_resume();
  finish_all(ids);
  EXPECT_LE(most_attempts(), 1);
}

TEST_F(DispatcherLease, StoppingClosesWhatIsHeldAndLetsEndWhatRuns) {
  start({"a"});
  a_->set_capacity(2);
  const auto ids = emit("a", 5);
  run();
  dispatcher_->stop_starting();
  run();
  EXPECT_EQ(journal_.calls("close"), 1);
  EXPECT_THAT(rows("a"), ElementsAre("1 running 1/1", "2 running 1/1"));
  EXPECT_FALSE(dispatcher_->is_idle());
  a_->end_all();
  emit("a", 1);
  run_for(seconds{5});
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
  EXPECT_EQ(a_->started().size(), 2U) << "nothing new starts";
  EXPECT_TRUE(has_part("a"));
}

TEST_F(DispatcherLease, AnInterruptGivesBackUncounted) {
  start({"a"});
  a_->set_capacity(2);
  emit("a", 5);
  run();
  dispatcher_->stop_starting();
  run();
  dispatcher_->interrupt();
  run();
  EXPECT_EQ(a_->interrupts(), 1);
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_THAT(rows("a"), ElementsAre("1 waiting 1/0", "2 waiting 1/0"));
  EXPECT_EQ(dispatcher_->outcomes().at("a").handed_back, 2);
}

TEST_F(DispatcherLease, AnInterruptBeforeTheCloseGivesBackUncountedToo) {
  start({"a"});
  a_->set_capacity(2);
  emit("a", 3);
  run();
  dispatcher_->stop_starting();
  dispatcher_->interrupt();
  run();
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_THAT(rows("a"), ElementsAre("1 waiting 0/0", "2 waiting 0/0"));
  EXPECT_TRUE(has_part("a"));
}

}  // namespace
}  // namespace evd::test
