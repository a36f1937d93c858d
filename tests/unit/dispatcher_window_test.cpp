// Windows: what closes them, what they leave behind, and when they are taken.
#include "tests/support/dispatcher_fixture.hpp"

namespace evd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class DispatcherWindow : public DispatcherFixture {};

TEST_F(DispatcherWindow, WhereAllIsDoneLeavesNoRows) {
  start({"a", "b"});
  const auto ids = emit("ab", 5);
  run();
  EXPECT_EQ(a_->running(), ids);
  EXPECT_EQ(b_->running(), ids);
  a_->end_all();
  run();
  EXPECT_FALSE(dispatcher_->is_idle()) << "b has not done its share";
  EXPECT_EQ(journal_.calls("close"), 0);
  b_->end_all();
  run();
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_EQ(journal_.calls("close"), 1);
  EXPECT_TRUE(all_settled(ids));
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
  EXPECT_FALSE(has_part("a") || has_part("b"));
  EXPECT_EQ(dispatcher_->counters().events_taken, 5);
  EXPECT_EQ(dispatcher_->counters().windows_closed, 1);
  EXPECT_EQ(dispatcher_->outcomes().at("a").done, 5);
}

TEST_F(DispatcherWindow, HandsOverTheEventWithItsRoute) {
  start({"a", "b"});
  emit("ab");
  run();
  EXPECT_EQ(a_->last_attempt().route->event_name, "ab");
  EXPECT_EQ(a_->last_attempt().run, 1);
  EXPECT_FALSE(a_->batches().back().has_rows);
}

TEST_F(DispatcherWindow, AFailedPairIsRetriedWhenItIsDue) {
  start({"a"});
  const auto ids = emit("a", 3);
  run();
  a_->end(2, k_try_again);
  a_->end_all();
  run();
  EXPECT_THAT(rows("a"), ElementsAre("2 waiting 1/1"));
  run_for(seconds{9});
  EXPECT_EQ(a_->started().size(), 3U) << "before its backoff is over";
  run_for(seconds{2});
  EXPECT_THAT(a_->running(), ElementsAre(2));
  EXPECT_EQ(a_->last_attempt().run, 2);
  EXPECT_EQ(a_->last_attempt().number, 2);
  EXPECT_EQ(a_->last_attempt().max_attempts, 10);
  EXPECT_TRUE(a_->batches().back().has_rows);
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(dispatcher_->counters().retried, 1);
  EXPECT_TRUE(dispatcher_->is_idle());
}

TEST_F(DispatcherWindow, APairThatFailedForGoodIsNotRetried) {
  start({"a"});
  emit("a");
  run();
  a_->end_all(k_hopeless);
  run_for(seconds{60});
  EXPECT_THAT(rows("a"), ElementsAre("1 escalated 1/1"));
  EXPECT_EQ(a_->started().size(), 1U);
  EXPECT_EQ(dispatcher_->outcomes().at("a").failed, 1);
}

TEST_F(DispatcherWindow, ClaimedAheadIsRunNext) {
  start({"a"});
  const auto ids = emit("a", 35);
  EXPECT_TRUE(dispatcher_->step());
  EXPECT_EQ(a_->running().size(), 10U);
  EXPECT_EQ(dispatcher_->counters().events_taken, 10);
  const auto other = memory_.register_node({"other", "evd", "1", {"a"}});
  EXPECT_EQ(memory_.claim(other, {1, 10})->events.front().id, ids[30])
      << "the second and third are taken, too";
  EXPECT_TRUE(dispatcher_->step());
  EXPECT_EQ(a_->running().size(), 20U);
}

// It looked when it was begun; something may have come since.
TEST_F(DispatcherWindow, ClaimedAheadThatFoundNothingIsFollowedByAnotherClaim) {
  start({"a"});
  emit("a", 10);
  EXPECT_TRUE(dispatcher_->step());
  emit("a");
  EXPECT_TRUE(dispatcher_->step()) << "there is more to do";
  EXPECT_FALSE(dispatcher_->has_tried_claim()) << "nobody may fall asleep over it";
  EXPECT_TRUE(dispatcher_->step());
  EXPECT_TRUE(dispatcher_->has_taken_window());
  EXPECT_EQ(a_->running().size(), 11U);
}

TEST_F(DispatcherWindow, ClaimsNothingAheadForAHandlerThatIsBehind) {
  options_.batch_size = 200;
  start({"a"});
  emit("a", 5000);
  run_for(seconds{1});
  const auto at_first = dispatcher_->counters().events_taken;
  for (int i = 0; i < 20; ++i) {
    a_->end_all();
    run_for(seconds{1});
  }
  EXPECT_LE(at_first, 800);
  EXPECT_LE(dispatcher_->counters().events_taken, at_first + 20 * 100 + 400)
      << "no faster than they are run";
}

TEST_F(DispatcherWindow, ANotificationsEventsComeBeforeALookAtWhatIsDue) {
  start({"a"});
  run();
  const int claims = journal_.calls("claim");
  int claims_before_look = 0;
  journal_.before_answer("poll", [&] { claims_before_look = journal_.calls("claim") - claims; });
  emit("a");
  dispatcher_->look_now();
  EXPECT_TRUE(dispatcher_->step());
  EXPECT_EQ(a_->running().size(), 1U);
  EXPECT_EQ(claims_before_look, 1);
}

TEST_F(DispatcherWindow, NothingIsRunBeforeItIsKnownWhatIsPaused) {
  memory_.pause("a");
  emit("a");
  start({"a"});
  dispatcher_->step();
  EXPECT_TRUE(a_->running().empty());
  memory_.resume("a");
  emit("a");
  dispatcher_->look_now();
  run();
  memory_.pause("a");
  emit("a");
  dispatcher_->resume(journal_);
  const auto running = a_->running().size();
  run();
  EXPECT_EQ(a_->running().size(), running) << "nor after the connection was lost";
}

TEST_F(DispatcherWindow, ClaimedAheadIsPutOffByAStop) {
  start({"a"});
  emit("a", 15);
  EXPECT_TRUE(dispatcher_->step());
  dispatcher_->stop_starting();
  EXPECT_FALSE(dispatcher_->is_idle());
  a_->end_all();
  run();
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_EQ(a_->started().size(), 10U);
  EXPECT_TRUE(has_part("a")) << "for other nodes, at once";
  EXPECT_THAT(rows("a"), IsEmpty());
}

TEST_F(DispatcherWindow, ClaimedAheadWaitsNoLongerThanAWindowForABusyHandler) {
  options_.batch_size = 100;
  start({"a"});
  const auto ids = emit("a", 300);
  run();
  EXPECT_EQ(a_->running().size(), 100U);
  EXPECT_EQ(journal_.calls("claim"), 2) << "the third window is claimed and not opened";
  run_for(milliseconds{900});
  EXPECT_EQ(dispatcher_->counters().events_taken, 200);
  run_for(milliseconds{200});
  EXPECT_EQ(dispatcher_->counters().events_taken, 300);
  for (int i = 0; i < 3; ++i) {
    a_->end_all();
    run_for(seconds{1});
  }
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(a_->started().size(), 300U);
}

TEST_F(DispatcherWindow, ClaimedAheadIsGivenBackWithALostConnection) {
  start({"a"});
  const auto ids = emit("a", 15);
  EXPECT_TRUE(dispatcher_->step());
  a_->end_all();
  journal_.lose_request("close");
  break_and_resume();
  run();
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(a_->started().size(), 15U) << "each of them once";
}

// Few events a window, so that the slow handler never has a backlog of a whole one.
TEST_F(DispatcherWindow, WindowsThatWaitForASlowHandlerMakeRoomForTheOthers) {
  options_.max_windows = 2;
  start({"a", "b"});
  a_->set_capacity(1);  // and never ends
  for (int i = 0; i < 2; ++i) {
    emit("ab", 2);
    run();
    b_->end_all();
    run();
  }
  emit("ab", 2);
  run();
  EXPECT_THAT(b_->running(), IsEmpty()) << "both windows are open for a";
  run_for(milliseconds{60});
  EXPECT_THAT(b_->running(), ElementsAre(5, 6));
  EXPECT_TRUE(has_part("a"));
  EXPECT_THAT(a_->started(), ElementsAre(1)) << "it goes on with what it runs";
}

TEST_F(DispatcherWindow, NoRoomIsMadeWhileEveryHandlerHasWork) {
  options_.max_windows = 2;
  start({"a", "b"});
  a_->set_capacity(1);
  b_->set_capacity(1);
  for (int i = 0; i < 3; ++i) emit("ab", 2);
  run_for(milliseconds{500});
  EXPECT_EQ(journal_.calls("close"), 0);
}

TEST_F(DispatcherWindow, NeverHasMoreInFlightThanTheHandlersCapacity) {
  start({"a", "b"});
  a_->set_capacity(3);
  b_->set_capacity(1);
  const auto ids = emit("ab", 35);
  for (int i = 0; i < 500 && !all_settled(ids); ++i) {
    run();
    if (!a_->running().empty()) a_->end(a_->running().back(), {});
    if (!b_->running().empty()) b_->end(b_->running().front(), {});
    run_for(milliseconds{100});
  }
  EXPECT_TRUE(all_settled(ids));
  EXPECT_EQ(a_->most_at_once(), 3U);
  EXPECT_EQ(b_->most_at_once(), 1U);
}

TEST_F(DispatcherWindow, DeliveriesCountAgainstTheCapacityToo) {
  start({"a"});
  a_->set_capacity(2);
  emit("a", 4);
  run();
  while (!a_->running().empty()) {
    a_->end_all(k_try_again);
    run();
  }
  run_for(seconds{11});
  emit("a", 2);
  run();
  EXPECT_EQ(a_->running().size(), 2U);
  EXPECT_EQ(a_->most_at_once(), 2U);
}

TEST_F(DispatcherWindow, IsNotKeptOpenBySlowPairs) {
  start({"a", "b"});
  a_->set_capacity(2);
  const auto ids = emit("ab", 5);
  run();
  b_->end_all();
  run();
  clock_.advance(milliseconds{999});
  run();
  EXPECT_EQ(journal_.calls("close"), 0);
  clock_.advance(milliseconds{1});
  run();
  EXPECT_EQ(journal_.calls("close"), 1);
  EXPECT_THAT(rows("a"), ElementsAre("1 running 1/1", "2 running 1/1"));
  EXPECT_TRUE(has_part("a"));
  EXPECT_THAT(rows("b"), IsEmpty());
}

TEST_F(DispatcherWindow, TheLateResultOfARunningPairEndsItsDelivery) {
  start({"a"});
  a_->set_capacity(2);
  const auto ids = emit("a", 5);
  run_for(seconds{1});
  a_->end(1, {});
  a_->end(2, k_try_again);
  run();
  EXPECT_THAT(rows("a"), ElementsAre("2 waiting 1/1"));
  EXPECT_THAT(a_->running(), ElementsAre(3, 4)) << "the rest goes on where it came";
  while (!a_->running().empty()) {
    a_->end_all();
    run();
  }
  EXPECT_THAT(a_->started(), ElementsAre(1, 2, 3, 4, 5)) << "none twice";
  run_for(seconds{11});
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_TRUE(dispatcher_->is_idle());
}

TEST_F(DispatcherWindow, AFullHandlerDoesNotStopClaimsForTheOther) {
  start({"a", "b"});
  a_->set_capacity(1);
  emit("a", 15);
  run_for(seconds{1});
  const auto ids = emit("b", 10);
  run();
  EXPECT_EQ(b_->running(), ids);
  b_->end_all();
  run();
  EXPECT_TRUE(all_settled(ids));
}

TEST_F(DispatcherWindow, AShareOfAHandlerThatIsBehindDoesNotKeepOthersOpen) {
  start({"a", "b"});
  a_->set_capacity(1);
  emit("a", 15);
  run_for(seconds{1});
  const int closed = journal_.calls("close");
  emit("ab", 3);
  run();
  b_->end_all();
  run();
  EXPECT_EQ(journal_.calls("close"), closed + 1);
}

TEST_F(DispatcherWindow, IsNotTakenWhileAllHandlersAreFull) {
  start({"a", "b"});
  a_->set_capacity(1);
  b_->set_capacity(1);
  emit("ab", 50);
  run();
  const int claims = journal_.calls("claim");
  const auto taken = dispatcher_->counters().events_taken;
  EXPECT_LE(taken, 20);
  run();
  EXPECT_EQ(journal_.calls("claim"), claims);
  EXPECT_FALSE(dispatcher_->has_tried_claim());
}

TEST_F(DispatcherWindow, NoMoreAreHeldThanAllowed) {
  options_.max_windows = 2;
  options_.batch_size = 1;
  start({"a", "b"});
  for (int i = 0; i < 5; ++i) emit("a");
  run();
  EXPECT_EQ(dispatcher_->counters().events_taken, 2);
}

TEST_F(DispatcherWindow, ClaimedAheadCountsAgainstWhatMayBeHeld) {
  options_.max_windows = 2;
  options_.batch_size = 1;
  start({"a", "b"});
  for (int i = 0; i < 5; ++i) emit("a");
  run();
  const auto other = memory_.register_node({"other", "evd", "1", {"a"}});
  const auto next = memory_.claim(other, {7, 1});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->events.at(0).id, 3) << "the rest is left to others";
}

TEST_F(DispatcherWindow, IsNotTakenWhereTheOwnerDoesNotWantIt) {
  start({"a"});
  dispatcher_->set_claiming(false);
  emit("a");
  run();
  EXPECT_EQ(journal_.calls("claim"), 0);
  EXPECT_FALSE(dispatcher_->has_tried_claim());
  dispatcher_->set_claiming(true);
  EXPECT_TRUE(dispatcher_->step());
  EXPECT_TRUE(dispatcher_->has_tried_claim());
  EXPECT_TRUE(dispatcher_->has_taken_window());
}

TEST_F(DispatcherWindow, AnEventDueLaterIsNotStartedBefore) {
  start({"a"});
  emit("a", 1, {.key = {}, .deliver_after = seconds{30}});
  const auto now = emit("a");
  run();
  EXPECT_EQ(a_->running(), now);
  a_->end_all();
  run_for(seconds{29});
  EXPECT_EQ(a_->started().size(), 1U);
  EXPECT_THAT(rows("a"), ElementsAre("1 waiting 0/0"));
  run_for(seconds{2});
  EXPECT_THAT(a_->running(), ElementsAre(1));
  a_->end_all();
  run();
  EXPECT_TRUE(memory_.settled(1));
  EXPECT_THAT(memory_.deliveries(), IsEmpty());
}

TEST_F(DispatcherWindow, ThatIsBusyIsClosedAgainSoon) {
  start({"a"});
  const auto ids = emit("a");
  run();
  a_->end_all();
  journal_.stay_busy(2);
  run();
  EXPECT_EQ(journal_.calls("close"), 1) << "not at once";
  EXPECT_LE(dispatcher_->next_step_at() - clock_.now(), milliseconds{10});
  EXPECT_GT(dispatcher_->next_step_at(), clock_.now());
  run_for(milliseconds{50});
  EXPECT_EQ(journal_.calls("close"), 3);
  EXPECT_TRUE(all_settled(ids));
}

TEST_F(DispatcherWindow, StepsAskForPartsAndDeliveriesOnlyWhereThereMayBeSome) {
  start({"a"});
  run();
  emit("a");
  run();
  a_->end_all(k_try_again);
  run_for(seconds{10});  // the look that finds it is the last one
  ASSERT_EQ(a_->started().size(), 2U);
  a_->end_all();
  run();
  const int parts = journal_.calls("take_part"), deliveries = journal_.calls("take_deliveries");
  for (int i = 0; i < 20; ++i) {
    emit("a");
    run();
    a_->end_all();
    run();
  }
  EXPECT_EQ(journal_.calls("take_part"), parts);
  EXPECT_EQ(journal_.calls("take_deliveries"), deliveries);
}

TEST_F(DispatcherWindow, NextStepIsAheadInEveryState) {
  start({"a", "b"});
  const auto is_ahead = [&] { return dispatcher_->next_step_at() > clock_.now(); };
  run();
  EXPECT_TRUE(is_ahead()) << "idle";
  emit("ab", 25);
  a_->set_capacity(1);
  run();
  EXPECT_TRUE(is_ahead()) << "open windows";
  memory_.pause("b");
  run_for(seconds{1});
  EXPECT_TRUE(is_ahead()) << "spilled";
  run_for(seconds{5});
  EXPECT_TRUE(is_ahead()) << "a part, and a paused handler";
  a_->end_all(k_try_again);
  run();
  EXPECT_TRUE(is_ahead()) << "something waits for its retry";
  dispatcher_->stop_starting();
  run();
  run_for(seconds{3});
  EXPECT_TRUE(is_ahead()) << "stopping";
}

}  // namespace
}  // namespace evd::test
