// Handlers that run whole shares by themselves.
#include "tests/support/dispatcher_fixture.hpp"

namespace evd::test {
namespace {

using journal::ShareResult;
using std::chrono::milliseconds;
using std::chrono::seconds;

class DispatcherShare : public DispatcherFixture {
 protected:
  // The handler commits its share of an open window up to this event.
  void record(std::int64_t upto) {
    const journal::ShareRef& share = s_->shares().at(0);
    const auto xid = static_cast<std::uint64_t>(999 + upto);  // as MemoryJournal counts them
    ASSERT_TRUE(memory_.record_share(share.node, {share.window_id, share.token}, "s", {xid, upto}));
  }
};

TEST_F(DispatcherShare, ADoneShareClosesItsWindow) {
  start({"s"});
  const auto ids = emit("s", 4);
  run();
  ASSERT_EQ(s_->shares().size(), 1U);
  EXPECT_EQ(s_->shares()[0].handler, "s");
  EXPECT_EQ(s_->shares()[0].node, node_);
  EXPECT_THAT(s_->started(), IsEmpty()) << "no pair is started singly";
  record(4);
  s_->end_share(ShareResult::k_done, 4);
  run();
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_TRUE(all_settled(ids));
  EXPECT_FALSE(has_part("s"));
  EXPECT_EQ(dispatcher_->outcomes().at("s").done, 4);
}

TEST_F(DispatcherShare, RunsNoMoreSharesAtOnceThanItsCapacity) {
  start({"a", "s"});
  emit("s", 25);
  run();
  EXPECT_EQ(s_->shares().size(), 1U);
  record(10);
  s_->end_share(ShareResult::k_done, 10);
  run();
  EXPECT_EQ(s_->shares().size(), 1U);
  EXPECT_EQ(s_->started_shares(), 2);
}

TEST_F(DispatcherShare, TakesTheNextOneAhead) {
  start({"a", "s"});
  s_->set_ahead(1);
  emit("s", 45);
  run();
  EXPECT_EQ(s_->shares().size(), 2U);
  record(10);
  s_->end_share(ShareResult::k_done, 10);
  run();
  EXPECT_EQ(s_->shares().size(), 2U);
  EXPECT_EQ(s_->started_shares(), 3);
}

TEST_F(DispatcherShare, TakesNoneAheadOfItsDeliveries) {
  start({"a", "s"});
  s_->set_ahead(1);
  emit("s", 15);
  run();
  ASSERT_EQ(s_->shares().size(), 2U);
  emit("s", 30);
  run();
  record(9);
  s_->end_share(ShareResult::k_done, 9, {}, 1);
  run();
  EXPECT_EQ(s_->shares().size(), 1U) << "the delivery is next";
}

TEST_F(DispatcherShare, LooksForItsDeliveriesWhenAnEventFailed) {
  start({"a", "s"});
  emit("s", 10);
  run();
  const int before = journal_.calls("take_deliveries");
  record(10);
  s_->end_share(ShareResult::k_done, 10);
  run();
  EXPECT_EQ(journal_.calls("take_deliveries"), before);
  emit("s", 10);
  run();
  s_->end_share(ShareResult::k_done, 9, {}, 1);
  run();
  EXPECT_EQ(journal_.calls("take_deliveries"), before + 1);
}

TEST_F(DispatcherShare, NeedsNoEventOfARouteThatRunsInShares) {
  start({"a", "s"});
  emit("s");
  run();  // it gets to know the routes
  record(1);
  s_->end_share(ShareResult::k_done, 1);
  const auto ids = emit("s", 4);
  emit("as", 2);
  emit("s", 4, {.key = {}, .deliver_after = seconds{60}});
  run();
  EXPECT_EQ(a_->started().size(), 2U);
  EXPECT_EQ(s_->started_shares(), 2);
  EXPECT_EQ(dispatcher_->counters().events_taken, 11);
  EXPECT_TRUE(dispatcher_->has_filled_window() || !dispatcher_->has_taken_window());
  ASSERT_TRUE(memory_.record_share(node_, {s_->shares()[0].window_id, s_->shares()[0].token}, "s",
                                   {1010, 11}));
  a_->end_all();
  s_->end_share(ShareResult::k_done, 6);
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(rows("s").size(), 4U) << "those that are due later";
}

// Between two shares it has nothing that runs, and yet it does not starve.
TEST_F(DispatcherShare, ClosesNoWindowEarlyWhoseNextShareOnlyWaitsToBeStarted) {
  options_.max_windows = 2;
  start({"a", "s"});
  emit("as", 20);  // a takes its time
  run();
  ASSERT_EQ(s_->shares().size(), 1U);
  clock_.advance(milliseconds{100});
  record(10);
  s_->end_share(ShareResult::k_done, 10);
  run();
  EXPECT_EQ(s_->started_shares(), 2);
  EXPECT_EQ(journal_.calls("close"), 0);
  EXPECT_THAT(rows("a"), IsEmpty());
}

TEST_F(DispatcherShare, IsAskedToStopWhenItsWindowIsToClose) {
  start({"s"});
  const auto ids = emit("s", 4);
  run();
  clock_.advance(seconds{1});
  run();
  ASSERT_FALSE(s_->stopped().empty());
  EXPECT_EQ(s_->stopped()[0].window_id, s_->shares()[0].window_id);
  EXPECT_EQ(s_->stopped()[0].token, s_->shares()[0].token);
  EXPECT_EQ(journal_.calls("close"), 0) << "its batch still runs";
  EXPECT_GT(dispatcher_->next_step_at(), clock_.now());
  record(2);
  s_->end_share(ShareResult::k_more, 2);
  run_for(milliseconds{20});
  EXPECT_EQ(journal_.calls("close"), 1);
  EXPECT_TRUE(memory_.settled(2));
  EXPECT_FALSE(memory_.settled(3));
  ASSERT_EQ(s_->shares().size(), 1U) << "the rest is a part, which is taken again";
  const journal::ShareRef& share = s_->shares()[0];
  ASSERT_TRUE(memory_.close_part(share.node, {share.window_id, "s", share.token}, {}, {}));
  s_->end_share(ShareResult::k_done, 2);
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(journal_.calls("close_part"), 0) << "it records a part's progress itself";
  EXPECT_TRUE(dispatcher_->is_idle());
}

TEST_F(DispatcherShare, AShareThatDidNotStartIsPutOff) {
  start({"a", "s"});
  emit("s", 10);
  run();
  const auto ids = emit("as", 2);  // behind the first share
  run();
  a_->end_all();
  run_for(seconds{1});
  EXPECT_EQ(journal_.calls("close"), 1) << "the second window does not wait for it";
  EXPECT_TRUE(has_part("s"));
  EXPECT_FALSE(all_settled(ids));
}

TEST_F(DispatcherShare, OfATakenOverWindowIsForgotten) {
  start({"s"});
  emit("s", 3);
  run();
  take_over();
  s_->end_share(ShareResult::k_lost);
  EXPECT_THROW(run(), journal::NodeFenced);
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_TRUE(has_part("s")) << "for whoever takes it";
  join();
  run();
  EXPECT_EQ(s_->shares().size(), 1U);
}

TEST_F(DispatcherShare, ThatIsSaidToBeLostAndIsNotIsPutOff) {
  start({"s"});
  emit("s", 3);
  run();
  s_->end_share(ShareResult::k_lost);
  run();
  EXPECT_FALSE(all_settled({1}));
  EXPECT_EQ(journal_.calls("close"), 1);
  EXPECT_EQ(s_->started_shares(), 2) << "it goes on as a part";
}

TEST_F(DispatcherShare, PartsThatRunForLongDoNotStopTheOthers) {
  start({"a", "s"});
  s_->set_capacity(40);
  memory_.pause("s");
  dispatcher_->look_now();
  run();
  for (int windows = 0; windows < 20; ++windows) {  // more than may be open at once
    emit("s");
    run();
  }
  memory_.resume("s");
  dispatcher_->look_now();
  run();
  ASSERT_EQ(s_->shares().size(), 20U);
  emit("a");
  run();
  EXPECT_EQ(a_->started().size(), 1U);
}

TEST_F(DispatcherShare, OfALostPartIsForgotten) {
  start({"s"});
  memory_.pause("s");
  run();
  emit("s", 3);
  run();
  memory_.resume("s");
  run_for(seconds{1});
  ASSERT_EQ(s_->shares().size(), 1U);
  take_over();
  join();
  s_->end_share(ShareResult::k_lost);
  run();
  EXPECT_EQ(s_->shares().size(), 1U) << "the new node runs it again";
  EXPECT_EQ(s_->shares()[0].node, node_);
}

TEST_F(DispatcherShare, OfAFormerNodeStillCountsAgainstTheCapacity) {
  start({"s"});
  emit("s", 3);
  run();
  take_over();
  join();
  run();
  EXPECT_EQ(s_->shares().size(), 1U);
  EXPECT_FALSE(dispatcher_->is_idle());
  s_->end_share(ShareResult::k_lost);
  run();
  ASSERT_EQ(s_->shares().size(), 1U);
  EXPECT_EQ(s_->shares()[0].node, node_);
}

TEST_F(DispatcherShare, APartIsNotCutShortByTheTime) {
  start({"s"});
  memory_.pause("s");
  run();
  emit("s", 3);
  run();
  memory_.resume("s");
  run_for(seconds{1});
  ASSERT_EQ(s_->shares().size(), 1U);
  run_for(seconds{30});
  EXPECT_THAT(s_->stopped(), IsEmpty());
  EXPECT_EQ(s_->started_shares(), 1);
}

TEST_F(DispatcherShare, StoppingAsksItAndWaits) {
  start({"s"});
  emit("s", 3);
  run();
  dispatcher_->stop_starting();
  EXPECT_EQ(s_->stopped().size(), 1U);
  run();
  EXPECT_FALSE(dispatcher_->is_idle());
  EXPECT_LE(dispatcher_->next_step_at() - clock_.now(), milliseconds{10});
  record(1);
  s_->end_share(ShareResult::k_more, 1);
  run_for(milliseconds{20});
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_TRUE(memory_.settled(1));
  EXPECT_TRUE(has_part("s"));
  EXPECT_EQ(s_->started_shares(), 1);
}

TEST_F(DispatcherShare, ItsDeliveriesThatAreRecordedAreNotReportedAgain) {
  start({"s"});
  emit("s", 1, {.key = {}, .deliver_after = seconds{5}});
  run_for(seconds{7});
  ASSERT_THAT(s_->running(), ElementsAre(1));
  s_->end_all({OutcomeKind::k_done, "", {}, true});
  run();
  EXPECT_EQ(journal_.calls("finish"), 0);
  EXPECT_TRUE(dispatcher_->is_idle());
}

}  // namespace
}  // namespace evd::test
