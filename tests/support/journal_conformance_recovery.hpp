// Nodes that die, sleepers, and what a recovery pass asks; included by
// journal_conformance_suite.hpp.
#pragma once

#include <algorithm>

#include "tests/support/journal_conformance.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {

using journal::CloseResult;
using journal::OutcomeKind;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_P(JournalConformance, AFencedNodeMayTakeNothing) {
  const TestNode dead = node();
  EXPECT_TRUE(dead.journal->heartbeat(dead.id));
  kill(dead);
  emit("one");
  EXPECT_FALSE(dead.journal->heartbeat(dead.id));
  EXPECT_THROW(dead.journal->claim(dead.id, {1, 10}), journal::NodeFenced);
  EXPECT_THROW(take_part(dead, {"a"}), journal::NodeFenced);
  EXPECT_THROW(take(dead), journal::NodeFenced);
  EXPECT_THROW(dead.journal->reconcile(dead.id, {}), journal::NodeFenced);
  const TestNode reborn = node();
  EXPECT_NE(reborn.id, dead.id) << "ids are never used again";
  EXPECT_EQ(claim(reborn).events.size(), 1U) << "the refused claim took nothing";
}

TEST_P(JournalConformance, ANodeWhoseHeartbeatMovedIsNotFenced) {
  const TestNode one = node();
  EXPECT_THAT(one.journal->stale_nodes(seconds{30}), IsEmpty());
  advance(seconds{31});
  const auto stale = one.journal->stale_nodes(seconds{30});
  ASSERT_EQ(stale.size(), 1U);
  EXPECT_EQ(stale[0].id, one.id);
  EXPECT_EQ(stale[0].name, "test");
  EXPECT_TRUE(one.journal->heartbeat(one.id));
  EXPECT_FALSE(one.journal->fence(stale[0]));
  EXPECT_TRUE(one.journal->heartbeat(one.id));
  EXPECT_THAT(one.journal->stale_nodes(seconds{30}), IsEmpty());
}

TEST_P(JournalConformance, ANodeIsFencedOnce) {
  const TestNode one = node();
  advance(seconds{31});
  const auto stale = one.journal->stale_nodes(seconds{30});
  ASSERT_EQ(stale.size(), 1U);
  EXPECT_TRUE(one.journal->fence(stale[0]));
  EXPECT_FALSE(one.journal->fence(stale[0]));
  EXPECT_THAT(one.journal->stale_nodes(seconds{30}), IsEmpty());
}

TEST_P(JournalConformance, TakesOverTheWindowsOfADeadNode) {
  const TestNode dead = node(), other = node();
  const auto now = emit("mixed"), later = emit_later("mixed", minutes{10});
  const journal::Window window = claim(dead);
  EXPECT_EQ(other.journal->take_over(100), 0) << "it lives";
  kill(dead);
  EXPECT_EQ(other.journal->take_over(100), 1);
  EXPECT_EQ(other.journal->take_over(100), 0);
  EXPECT_EQ(close(dead, window), CloseResult::k_gone);

  EXPECT_EQ(row(now).state, "waiting");
  EXPECT_EQ(row(now).attempts, 1) << "it may have run";
  EXPECT_EQ(row(later).attempts, 0);
  EXPECT_EQ(row(later, "s").attempts, 0);
  EXPECT_EQ(fixture().deliveries().size(), 3U) << "the sql share is put off as one";
  const auto taken = take(other);
  ASSERT_THAT(ids(taken), ElementsAre(now)) << "at once, but not what is due later";
  EXPECT_TRUE(taken[0].is_suspect);
  EXPECT_EQ(taken[0].run, 2);
  EXPECT_EQ(taken[0].attempts, 2);
  const auto part = take_part(other, {"s"});
  ASSERT_TRUE(part);
  EXPECT_THAT(ids(part->events), ElementsAre(now));
}

TEST_P(JournalConformance, ATakeoverEscalatesWhatHadOneAttempt) {
  journal::HandlerPolicy only = policy("a");
  only.max_attempts = 1;
  set_handler(only);
  const TestNode dead = node(), other = node();
  const auto id = emit("one");
  claim(dead);
  kill(dead);
  EXPECT_EQ(other.journal->take_over(100), 1);
  EXPECT_EQ(row(id).state, "escalated");
  EXPECT_THAT(row(id).last_error, testing::HasSubstr("died"));
  EXPECT_THAT(alert_kinds(), ElementsAre("node_lost", "escalated"));
}

TEST_P(JournalConformance, ANodesDeathIsTold) {
  kill(node());
  ASSERT_THAT(alert_kinds(), ElementsAre("node_lost"));
  EXPECT_THAT(fixture().alerts()[0].error, testing::HasSubstr("test"));
}

TEST_P(JournalConformance, FreesThePartsOfADeadNode) {
  const TestNode dead = node(), other = node();
  const auto id = emit("one");
  defer(dead, "a");
  const auto part = take_part(dead, {"a"});
  ASSERT_TRUE(part);
  EXPECT_FALSE(take_part(other, {"a"}));
  kill(dead);
  EXPECT_EQ(other.journal->take_over(100), 1);
  EXPECT_FALSE(dead.journal->close_part(dead.id, part->ref, std::nullopt, {}));
  const auto again = take_part(other, {"a"});
  ASSERT_TRUE(again);
  EXPECT_THAT(ids(again->events), ElementsAre(id));
}

TEST_P(JournalConformance, RunningDeliveriesOfADeadNodeAreDueAndSuspect) {
  const TestNode dead = node(), other = node();
  const auto id = emit_queued(dead);
  ASSERT_EQ(take(dead).size(), 1U);
  kill(dead);
  EXPECT_EQ(other.journal->take_over(100), 1);
  EXPECT_EQ(finish(dead, id, 1, OutcomeKind::k_done), 0);
  EXPECT_TRUE(row(id).is_suspect);
  EXPECT_EQ(row(id).attempts, 1);
  const auto taken = take(other);
  ASSERT_THAT(ids(taken), ElementsAre(id));
  EXPECT_TRUE(taken[0].is_suspect);
  EXPECT_EQ(taken[0].attempts, 2);
  EXPECT_EQ(finish(other, id, 2, OutcomeKind::k_done), 1);
  EXPECT_EQ(row(id).state, "done") << "it had trouble: history";
}

TEST_P(JournalConformance, ARunningDeliveryInItsLastAttemptIsEscalatedByATakeover) {
  journal::HandlerPolicy only = policy("a");
  only.max_attempts = 1;
  set_handler(only);
  const TestNode dead = node(), other = node();
  const auto id = emit_queued(dead);
  ASSERT_EQ(take(dead).size(), 1U);
  kill(dead);
  EXPECT_EQ(other.journal->take_over(100), 1);
  EXPECT_EQ(row(id).state, "escalated");
  EXPECT_THAT(alert_kinds(), ElementsAre("node_lost", "escalated"));
}

TEST_P(JournalConformance, ATakeoverIsBoundedAndLeavesTheLivingAlone) {
  const TestNode dead = node(), alive = node();
  emit("one");
  const journal::Window kept = claim(alive);
  for (int count = 0; count < 3; ++count) {
    emit("one");
    claim(dead);
  }
  kill(dead);
  EXPECT_EQ(alive.journal->take_over(2), 2);
  EXPECT_EQ(alive.journal->take_over(2), 1);
  EXPECT_EQ(alive.journal->take_over(2), 0);
  EXPECT_EQ(close(alive, kept), CloseResult::k_closed);
}

TEST_P(JournalConformance, ATakeoverLeavesTheLeasesOfTheLivingAlone) {
  const TestNode alive = node(), dead = node();
  const auto id = emit_queued(alive);
  ASSERT_EQ(take(alive).size(), 1U);
  emit("one");
  defer(alive, "a");
  const auto part = take_part(alive, {"a"});
  ASSERT_TRUE(part);
  kill(dead);
  EXPECT_EQ(alive.journal->take_over(100), 0);
  EXPECT_EQ(finish(alive, id, 1, OutcomeKind::k_done), 1);
  EXPECT_TRUE(alive.journal->close_part(alive.id, part->ref, std::nullopt, {}));
}

TEST_P(JournalConformance, WhatANodeHoldsIsFreeWhenItLeaves) {
  const TestNode leaver = node(), other = node();
  const auto id = emit("one");
  claim(leaver);
  leaver.journal->leave(leaver.id);
  EXPECT_FALSE(leaver.journal->heartbeat(leaver.id));
  EXPECT_EQ(other.journal->take_over(100), 1);
  EXPECT_THAT(ids(take(other)), ElementsAre(id));
}

TEST_P(JournalConformance, PollTellsWhatIsPausedAndWhatIsDue) {
  const TestNode one = node();
  emit_failed(one);
  emit("two");
  defer(one, "b");
  fixture().pause("s");
  const auto poll = [&] {
    std::vector<std::string> said;
    for (const auto& state : one.journal->poll(one.id, {{"a", "b", "s"}}).handlers) {
      said.push_back(state.handler + (state.is_paused ? " paused" : "") +
                     (state.has_part ? " part" : "") + (state.has_delivery ? " delivery" : ""));
    }
    return said;
  };
  EXPECT_THAT(poll(), UnorderedElementsAre("a", "b part", "s paused"));
  advance(seconds{11});
  EXPECT_THAT(poll(), UnorderedElementsAre("a delivery", "b part", "s paused"));
  take(one);
  take_part(one, {"b"});
  EXPECT_THAT(poll(), UnorderedElementsAre("a", "b", "s paused"));
}

TEST_P(JournalConformance, ASleeperIsPastWhatWasInFlightWhenItArmed) {
  const TestNode one = node();
  const std::uint64_t armed = one.journal->arm();
  EXPECT_TRUE(eventually([&] { return one.journal->is_past(armed); }));
  one.journal->disarm();
}

TEST_P(JournalConformance, UnreadAgeIsThatOfTheOldestEventNobodyTook) {
  const TestNode one = node();
  EXPECT_FALSE(one.journal->unread_age());
  emit("one");
  advance(minutes{2});
  emit("one");
  ASSERT_TRUE(one.journal->unread_age());
  EXPECT_THAT(*one.journal->unread_age(),
              testing::AllOf(testing::Ge(minutes{2}), testing::Lt(minutes{3})));
  claim(one, 1);
  ASSERT_TRUE(one.journal->unread_age());
  EXPECT_LT(*one.journal->unread_age(), minutes{1});
  claim(one, 1);
  EXPECT_FALSE(one.journal->unread_age());
}

TEST_P(JournalConformance, OnlyAnEvdWithAHeartbeatIsALivingDaemon) {
  const TestNode cron = node("evrecover");
  EXPECT_FALSE(cron.journal->has_living_daemon(seconds{30}));
  node("evd", {});  // hosts nothing, so it reads nothing
  EXPECT_FALSE(cron.journal->has_living_daemon(seconds{30}));
  const TestNode daemon = node("evd", {"a"});
  EXPECT_TRUE(cron.journal->has_living_daemon(seconds{30}));
  advance(seconds{31});
  EXPECT_FALSE(cron.journal->has_living_daemon(seconds{30}));
  daemon.journal->heartbeat(daemon.id);
  EXPECT_TRUE(cron.journal->has_living_daemon(seconds{30}));
  daemon.journal->leave(daemon.id);
  EXPECT_FALSE(cron.journal->has_living_daemon(seconds{30}));
}

TEST_P(JournalConformance, WhatIsOverdueIsNotedOnce) {
  fixture().add_route("tells", {"a"}, minutes{5}, true);
  const TestNode one = node();
  emit_failed(one);
  const auto told = emit("tells");
  close(one, claim(one), {open_pair(told, State::k_retry, "boom")});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 0);
  advance(minutes{6});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 1).overdue, 1);
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 1);
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 0);
  const auto alerts = fixture().alerts();
  ASSERT_EQ(alerts.size(), 1U) << "only the route that asks for it";
  EXPECT_EQ(alerts[0].kind, "timeout");
  EXPECT_EQ(alerts[0].event_id, told);
  EXPECT_EQ(alerts[0].error, "boom");
}

TEST_P(JournalConformance, TheDeadlineOfALaterEventRunsFromWhenItIsDue) {
  const TestNode one = node();
  emit_later("one", minutes{10});
  close(one, claim(one));
  advance(minutes{14});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 0);
  advance(minutes{2});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 1);
}

TEST_P(JournalConformance, TheDeadlineOfAnEventTakenLateRunsFromWhenItWasDue) {
  const TestNode one = node();
  const auto id = emit_later("one", minutes{10});
  advance(minutes{11});
  const journal::Window window = claim(one);
  EXPECT_FALSE(window.events.at(0).is_later);
  close(one, window, {open_pair(id, State::k_retry, "boom")});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 0);
  advance(minutes{5});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).overdue, 1);
}

TEST_P(JournalConformance, WhatIsStalledIsToldOnceWithTheReason) {
  const TestNode one = node("evd", {"a"});
  const auto id = emit_failed(one);
  emit("two");
  defer(one, "b");
  fixture().pause("b");
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).stalled, 0);
  advance(minutes{61});
  one.journal->heartbeat(one.id);
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).stalled, 2);
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).stalled, 0);
  auto alerts = fixture().alerts();
  ASSERT_EQ(alerts.size(), 2U);
  std::sort(alerts.begin(), alerts.end(),
            [](const auto& left, const auto& right) { return left.handler < right.handler; });
  EXPECT_EQ(alerts[0].kind, "stalled");
  EXPECT_EQ(alerts[0].event_id, id);
  EXPECT_EQ(alerts[0].error, "failing: boom");
  EXPECT_EQ(alerts[1].kind, "stalled");
  EXPECT_EQ(alerts[1].event_id, 0) << "about the whole share";
  EXPECT_THAT(alerts[1].error, testing::StartsWith("paused by "));
  EXPECT_TRUE(row(id).is_alerted);
}

TEST_P(JournalConformance, WhatWasStalledIsToldToBeOver) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  advance(minutes{61});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).stalled, 1);
  EXPECT_EQ(run_due(one, OutcomeKind::k_done), 1);
  EXPECT_EQ(row(id).state, "done");
  EXPECT_THAT(alert_kinds(), ElementsAre("stalled", "recovered"));
}

TEST_P(JournalConformance, AHandlerThatNobodyHostsIsSaidToBeSo) {
  const TestNode one = node("evd", {"b"});
  emit_queued(one);
  advance(minutes{61});
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).stalled, 1);
  EXPECT_EQ(fixture().alerts().at(0).error, "hosted by no running evd");
}

}  // namespace evd::test
