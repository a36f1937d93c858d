// Handlers out of reach: nothing is wasted on them, and they are found again.
#include "tests/support/dispatcher_fixture.hpp"

namespace evd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const journal::Outcome k_refused{.kind = OutcomeKind::k_retry,
                                 .error = "connection refused",
                                 .retry_after = {},
                                 .is_transport = true};

class DispatcherBreaker : public DispatcherFixture {
 protected:
  // Its breaker opens, with five deliveries that have failed once.
  void lose_a() {
    start({"a", "b"});
    emit("a", 5);
    run();
    a_->end_all(k_refused);
    run();
    ASSERT_TRUE(is_open());
  }
  bool is_open() { return memory_.poll(node_, {{"a"}}).handlers.at(0).is_broken; }
  std::size_t started() const { return a_->started().size(); }
};

TEST_F(DispatcherBreaker, OpensAfterFiveFailuresOfTransportInARow) {
  start({"a"});
  emit("a", 4);
  run();
  a_->end_all(k_refused);
  run();
  EXPECT_FALSE(is_open());
  emit("a");
  run();
  a_->end_all(k_refused);
  run();
  EXPECT_TRUE(is_open());
  ASSERT_EQ(memory_.alerts().size(), 1U);
  EXPECT_EQ(memory_.alerts()[0].kind, "stalled");
}

TEST_F(DispatcherBreaker, AHandlersOwnErrorsAndWhatIsHeardBetweenOpenNothing) {
  start({"a"});
  emit("a", 9);
  run();
  a_->end_all(k_try_again);
  run();
  EXPECT_FALSE(is_open());
  const auto ids = emit("a", 9);
  run();
  for (int i = 0; i < 4; ++i) a_->end(ids[static_cast<std::size_t>(i)], k_refused);
  a_->end(ids[4]);
  for (int i = 5; i < 9; ++i) a_->end(ids[static_cast<std::size_t>(i)], k_refused);
  run();
  EXPECT_FALSE(is_open());
}

TEST_F(DispatcherBreaker, WhileItIsOpenTheRestIsPutOffAndUsesUpNoAttempt) {
  start({"a", "b"});
  a_->set_capacity(5);
  const auto ids = emit("ab", 10);
  run();
  b_->end_all();
  a_->end_all(k_refused);
  run();
  EXPECT_EQ(started(), 5U);
  EXPECT_EQ(journal_.calls("close"), 1) << "what is put off holds no window open";
  EXPECT_TRUE(has_part("a"));
  EXPECT_EQ(rows("a").size(), 5U) << "those that were tried";
  emit("ab", 5);
  run();
  EXPECT_EQ(b_->started().size(), 15U) << "others go on";
  b_->end_all();
  run_for(seconds{5});
  EXPECT_EQ(started(), 5U);
  EXPECT_TRUE(dispatcher_->is_idle());
}

TEST_F(DispatcherBreaker, OneProbeAtATimeFindsOutWhetherItIsBack) {
  lose_a();
  emit("a", 3);
  run_for(seconds{12});
  EXPECT_EQ(started(), 6U);
  EXPECT_EQ(a_->running().size(), 1U);
  a_->end_all(k_refused);
  run_for(seconds{1});
  EXPECT_TRUE(is_open());
  EXPECT_EQ(started(), 6U) << "the next one waits";
  run_for(seconds{35});
  EXPECT_EQ(a_->running().size(), 1U);
  a_->end_all();
  run_for(seconds{1});
  EXPECT_FALSE(is_open());
  EXPECT_GT(a_->running().size(), 1U) << "what waited runs";
  for (int i = 0; i < 5; ++i) {
    a_->end_all();
    run_for(seconds{60});
  }
  EXPECT_TRUE(all_settled({1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(memory_.alerts().back().kind, "recovered");
}

TEST_F(DispatcherBreaker, APartIsProbedWithOnePairOfIt) {
  start({"a"});
  a_->set_capacity(5);
  emit("a", 10);
  run();
  journal::Outcome unavailable = k_refused;
  unavailable.retry_after =
      seconds{600};  // so that those that were tried are not due for the probe
  a_->end_all(unavailable);
  run();
  run_for(seconds{12});
  const auto probed = a_->running();
  ASSERT_EQ(probed.size(), 1U);
  a_->end_all(k_refused);
  run();
  EXPECT_TRUE(has_part("a")) << "the rest waits for the next probe";
  EXPECT_TRUE(dispatcher_->is_idle());
}

TEST_F(DispatcherBreaker, AnAnswerOfItsOwnClosesItEvenWhenItIsAnError) {
  lose_a();
  run_for(seconds{12});
  ASSERT_EQ(a_->running().size(), 1U);
  a_->end_all(k_try_again);
  run();
  EXPECT_FALSE(is_open());
}

TEST_F(DispatcherBreaker, AProbeThatIsInterruptedFindsOutNothing) {
  lose_a();
  run_for(seconds{12});
  ASSERT_EQ(a_->running().size(), 1U);
  dispatcher_->stop_starting();
  dispatcher_->interrupt();
  run();
  EXPECT_EQ(dispatcher_->outcomes().at("a").handed_back, 1);
  EXPECT_TRUE(is_open());
}

TEST_F(DispatcherBreaker, ALongProbeKeepsItsLease) {
  lose_a();
  run_for(seconds{12});
  ASSERT_EQ(a_->running().size(), 1U);
  run_for(seconds{90});
  const auto other = memory_.register_node({"other", "evd", "1", {"a"}});
  EXPECT_FALSE(memory_.lease_probe(other, "a"));
  a_->end_all();
  run();
  EXPECT_FALSE(is_open());
}

TEST_F(DispatcherBreaker, WhatStartedBeforeItOpenedIsNoProbe) {
  start({"a"});
  emit("a", 6);
  run();
  for (int i = 1; i <= 5; ++i) a_->end(i, k_refused);
  run();
  ASSERT_TRUE(is_open());
  run_for(seconds{12});
  EXPECT_EQ(started(), 6U) << "no probe beside what still runs";
  a_->end(6);
  run();
  EXPECT_TRUE(is_open());
  run_for(seconds{2});
  EXPECT_EQ(started(), 7U);
}

TEST_F(DispatcherBreaker, AnotherNodeIsToldByTheJournal) {
  start({"a"});
  const auto other = memory_.register_node({"other", "evd", "1", {"a"}});
  memory_.open_breaker(other, "a", "refused");
  run_for(seconds{1});
  emit("a", 3);
  run();
  EXPECT_EQ(started(), 0U);
  EXPECT_TRUE(has_part("a"));
}

TEST_F(DispatcherBreaker, AnOpeningThatWasLostWithTheConnectionIsWrittenAgain) {
  start({"a"});
  emit("a", 5);
  run();
  a_->end_all(k_refused);
  journal_.lose_request("open_breaker");
  break_and_resume();
  run();
  EXPECT_TRUE(is_open());
}

TEST_F(DispatcherBreaker, AnSqlShareThatGaveUpOpensItAndGoesOnAfterTheProbe) {
  start({"s"});
  emit("s", 4);
  run();
  s_->end_share(journal::ShareResult::k_more, 0, "timed out after 1s");
  run();
  EXPECT_TRUE(memory_.poll(node_, {{"s"}}).handlers.at(0).is_broken);
  EXPECT_TRUE(has_part("s"));
  run_for(seconds{5});
  EXPECT_EQ(s_->started_shares(), 1);
  run_for(seconds{7});
  ASSERT_EQ(s_->started_shares(), 2) << "the probe";
  s_->end_share(journal::ShareResult::k_more, 0, "timed out after 1s");
  run_for(seconds{5});
  EXPECT_EQ(s_->started_shares(), 2);
  run_for(seconds{40});
  ASSERT_EQ(s_->started_shares(), 3);
  s_->end_share(journal::ShareResult::k_done, 4);
  run();
  EXPECT_FALSE(memory_.poll(node_, {{"s"}}).handlers.at(0).is_broken);
}

TEST_F(DispatcherBreaker, WhoDoesNotGetTheLeaseRunsNothing) {
  start({"s"});
  const auto other = memory_.register_node({"other", "evd", "1", {"s"}});
  emit("s", 4);
  run();
  s_->end_share(journal::ShareResult::k_more, 0, "timed out after 1s");
  run_for(seconds{12});
  s_->end_share(journal::ShareResult::k_more, 0, "timed out after 1s");
  ASSERT_EQ(s_->started_shares(), 2) << "a probe, of a part that is kept";
  for (int second = 0; second < 60; ++second) {
    // Just after this node has seen that it may ask.
    journal_.before_answer("poll", [&] { memory_.lease_probe(other, "s"); });
    run_for(seconds{1});
  }
  EXPECT_FALSE(memory_.lease_probe(node_, "s")) << "the other has it";
  EXPECT_EQ(s_->started_shares(), 2);
}

}  // namespace
}  // namespace evd::test
