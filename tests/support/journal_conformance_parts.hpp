// Shares that were put off as a whole; included by journal_conformance_suite.hpp.
#pragma once

#include "tests/support/journal_conformance.hpp"

namespace evd::test {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(JournalConformance, ADeferredShareIsTheRestOfItsHandlersEvents) {
  const TestNode one = node();
  emit("two");
  emit("one");
  const auto third = emit("one"), fourth = emit("two"), fifth = emit("two");
  const journal::Window window = claim(one);
  close(one, window, {}, {{"b", window.events[1].position()}});
  EXPECT_THAT(fixture().deliveries(), IsEmpty()) << "one row, however many pairs";
  EXPECT_TRUE(fixture().settled(third)) << "does not expect b";
  EXPECT_FALSE(fixture().settled(fourth));
  EXPECT_FALSE(take_part(one, {"a"}));
  const auto part = take_part(one, {"a", "b"});
  ASSERT_TRUE(part);
  EXPECT_EQ(part->ref.handler, "b");
  EXPECT_EQ(part->ref.window_id, window.ref.id);
  EXPECT_THAT(ids(part->events), ElementsAre(fourth, fifth));
}

TEST_P(JournalConformance, APartComesWithoutTheEventsThatNobodyReads) {
  const TestNode one = node();
  emit("one");
  defer(one, "a");
  const auto part = one.journal->take_part(one.id, 1, {"a"}, {{}, {"a"}});
  ASSERT_TRUE(part);
  EXPECT_EQ(part->ref.handler, "a");
  EXPECT_THAT(part->events, IsEmpty());
}

TEST_P(JournalConformance, APartIsLeasedToOneNode) {
  const TestNode one = node(), two = node();
  emit("one");
  defer(one, "a");
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_FALSE(take_part(two, {"a"}));
  EXPECT_FALSE(two.journal->close_part(two.id, part->ref, std::nullopt, {}));
  EXPECT_TRUE(one.journal->close_part(one.id, part->ref, std::nullopt, {}));
}

TEST_P(JournalConformance, ThePartsOfTheOldestWindowComeFirst) {
  const TestNode one = node();
  const auto first = emit("one");
  const journal::Window oldest = claim(one);
  emit("one");
  defer(one, "a");
  close(one, oldest, {}, {{"a", {}}});
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_THAT(ids(part->events), ElementsAre(first));
}

TEST_P(JournalConformance, ClosingAPartUpToAPositionKeepsTheRest) {
  const TestNode one = node(), two = node();
  const auto first = emit("one"), second = emit("one");
  defer(one, "a");
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_TRUE(one.journal->close_part(one.id, part->ref, part->events.at(0).position(), {}));
  EXPECT_TRUE(fixture().settled(first));
  EXPECT_FALSE(fixture().settled(second));
  const auto rest = take_part(two, {"a"});
  ASSERT_TRUE(rest);
  EXPECT_THAT(ids(rest->events), ElementsAre(second));
}

TEST_P(JournalConformance, ClosingAPartWithoutAPositionEndsIt) {
  const TestNode one = node();
  const auto id = emit("one");
  defer(one, "a");
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_FALSE(fixture().settled(id));
  EXPECT_TRUE(one.journal->close_part(one.id, part->ref, std::nullopt, {}));
  EXPECT_TRUE(fixture().settled(id));
  EXPECT_FALSE(take_part(one, {"a"}));
}

TEST_P(JournalConformance, ClosingAPartWhoseLeaseWasLostDoesNothing) {
  const TestNode one = node();
  const auto id = emit("one");
  defer(one, "a");
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  journal::PartRef stale = part->ref;
  ++stale.token;
  EXPECT_FALSE(
      one.journal->close_part(one.id, stale, std::nullopt, {open_pair(id, State::k_retry)}));
  EXPECT_THAT(fixture().deliveries(), IsEmpty());
  EXPECT_FALSE(fixture().settled(id));
  EXPECT_TRUE(one.journal->close_part(one.id, part->ref, std::nullopt, {}));
  EXPECT_FALSE(one.journal->close_part(one.id, part->ref, std::nullopt, {})) << "ended already";
}

TEST_P(JournalConformance, APartsOpenPairsBecomeDeliveries) {
  const TestNode one = node();
  const auto retry = emit("one"), failed = emit("one"), running = emit("one"), done = emit("one");
  defer(one, "a");
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_TRUE(one.journal->close_part(
      one.id, part->ref, std::nullopt,
      {open_pair(retry, State::k_retry, "boom", minutes{7}),
       open_pair(failed, State::k_failed, "never"), open_pair(running, State::k_running)}));
  EXPECT_EQ(row(retry).state, "waiting");
  EXPECT_THAT(row(retry).due_in, about(minutes{7}));
  EXPECT_EQ(row(failed).state, "escalated");
  EXPECT_EQ(row(running).state, "running");
  EXPECT_EQ(finish(one, running, 1, journal::OutcomeKind::k_done), 1);
  EXPECT_TRUE(fixture().settled(running));
  EXPECT_TRUE(fixture().settled(done));
  EXPECT_THAT(alert_kinds(), ElementsAre("escalated"));
}

TEST_P(JournalConformance, APausedHandlersPartsAreNotTaken) {
  const TestNode one = node();
  emit("one");
  defer(one, "a");
  fixture().pause("a");
  EXPECT_FALSE(take_part(one, {"a"}));
  fixture().resume("a");
  EXPECT_TRUE(take_part(one, {"a"}));
}

TEST_P(JournalConformance, APartLeavesLaterEventsToTheirDeliveries) {
  const TestNode one = node();
  const auto now = emit("one"), later = emit_later("one", minutes{10});
  defer(one, "a");
  advance(minutes{11});
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_THAT(ids(part->events), ElementsAre(now));
  EXPECT_THAT(ids(take(one)), ElementsAre(later));
}

TEST_P(JournalConformance, EvrecoverLeavesAHostingDaemonPrecedenceForItsParts) {
  const TestNode daemon = node("evd", {"a"}), cron = node("evrecover");
  emit("one");
  defer(daemon, "a");
  advance(seconds{20});
  EXPECT_FALSE(take_part(cron, {"a"}));
  daemon.journal->heartbeat(daemon.id);
  advance(seconds{11});
  EXPECT_TRUE(take_part(cron, {"a"}));
  emit("one");
  defer(daemon, "a");
  EXPECT_FALSE(take_part(cron, {"a"}));
  daemon.journal->leave(daemon.id);
  EXPECT_TRUE(take_part(cron, {"a"})) << "nobody else is there to run it";
}

}  // namespace evd::test
