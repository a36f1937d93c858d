// Breakers; included by journal_conformance_suite.hpp.
#pragma once

#include "tests/support/journal_conformance.hpp"

namespace evd::test {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

inline journal::HandlerState state_of(const TestNode& node, const std::string& handler = "a") {
  return node.journal->poll(node.id, {{handler}}).handlers.at(0);
}

TEST_P(JournalConformance, WhileABreakerIsOpenNobodyTakesWhatWaits) {
  const TestNode one = node(), two = node();
  const auto id = emit_queued(one);
  emit("one");
  defer(one, "a");
  EXPECT_TRUE(one.journal->open_breaker(one.id, "a", "no route to host"));
  EXPECT_FALSE(two.journal->open_breaker(two.id, "a", "connection refused")) << "it is open";
  for (const TestNode& each : {one, two}) {
    EXPECT_TRUE(state_of(each).is_broken);
    EXPECT_THAT(take(each), IsEmpty());
    EXPECT_FALSE(take_part(each, {"a"}));
  }
  EXPECT_EQ(row(id).attempts, 0) << "no attempt is used up";
  EXPECT_FALSE(state_of(one, "b").is_broken);
  ASSERT_THAT(alert_kinds(), ElementsAre("stalled"));
  EXPECT_EQ(fixture().alerts()[0].handler, "a");
  EXPECT_THAT(fixture().alerts()[0].error, testing::HasSubstr("no route to host"));
}

TEST_P(JournalConformance, OneNodeAtATimeProbesAHandlerThatIsOutOfReach) {
  const TestNode one = node(), two = node();
  const auto id = emit_queued(one);
  EXPECT_FALSE(one.journal->lease_probe(one.id, "a")) << "it is not broken";
  one.journal->open_breaker(one.id, "a", "refused");
  EXPECT_FALSE(state_of(one).may_probe);
  EXPECT_FALSE(one.journal->lease_probe(one.id, "a")) << "too soon";
  advance(seconds{11});
  EXPECT_TRUE(state_of(one).may_probe);
  EXPECT_TRUE(one.journal->lease_probe(one.id, "a"));
  EXPECT_FALSE(state_of(two).may_probe);
  EXPECT_FALSE(two.journal->lease_probe(two.id, "a"));
  EXPECT_TRUE(one.journal->lease_probe(one.id, "a")) << "once more, for longer";
  EXPECT_THAT(take(two), IsEmpty());
  EXPECT_THAT(ids(take(one, "a", 1)), ElementsAre(id));
  advance(seconds{31});
  EXPECT_TRUE(two.journal->lease_probe(two.id, "a")) << "the lease has ended";
  EXPECT_FALSE(one.journal->end_probe(one.id, "a", true));
  EXPECT_TRUE(state_of(one).is_broken);
}

TEST_P(JournalConformance, AProbeThatFailsMakesTheNextOneWaitLonger) {
  const TestNode one = node();
  one.journal->open_breaker(one.id, "a", "refused");
  advance(seconds{11});
  ASSERT_TRUE(one.journal->lease_probe(one.id, "a"));
  EXPECT_TRUE(one.journal->end_probe(one.id, "a", false));
  advance(seconds{25});
  EXPECT_FALSE(one.journal->lease_probe(one.id, "a"));
  advance(seconds{6});
  ASSERT_TRUE(one.journal->lease_probe(one.id, "a"));
  EXPECT_TRUE(one.journal->end_probe(one.id, "a", false));
  advance(seconds{61});
  EXPECT_TRUE(one.journal->lease_probe(one.id, "a")) << "never longer than a minute";
  EXPECT_THAT(alert_kinds(), ElementsAre("stalled")) << "told once";
}

TEST_P(JournalConformance, AProbeThatIsHeardClosesTheBreaker) {
  const TestNode one = node(), two = node();
  const auto id = emit_queued(one);
  one.journal->open_breaker(one.id, "a", "refused");
  advance(seconds{11});
  one.journal->lease_probe(one.id, "a");
  EXPECT_TRUE(one.journal->end_probe(one.id, "a", true));
  EXPECT_FALSE(state_of(two).is_broken);
  EXPECT_THAT(ids(take(two)), ElementsAre(id));
  EXPECT_THAT(alert_kinds(), ElementsAre("stalled", "recovered"));
  EXPECT_TRUE(two.journal->open_breaker(two.id, "a", "refused")) << "and it may open again";
}

TEST_P(JournalConformance, AResumeClosesTheBreaker) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  one.journal->open_breaker(one.id, "a", "refused");
  fixture().resume("a");
  EXPECT_THAT(ids(take(one)), ElementsAre(id));
  EXPECT_THAT(alert_kinds(), ElementsAre("stalled", "recovered"));
}

TEST_P(JournalConformance, ADeadNodeOpensNoBreaker) {
  const TestNode one = node(), two = node();
  kill(one);
  EXPECT_THROW(one.journal->open_breaker(one.id, "a", "refused"), journal::NodeFenced);
  EXPECT_FALSE(state_of(two).is_broken);
  two.journal->open_breaker(two.id, "a", "refused");
  advance(seconds{11});
  EXPECT_THROW(one.journal->lease_probe(one.id, "a"), journal::NodeFenced);
}

TEST_P(JournalConformance, NobodyWaitsForTheProbeOfADeadNode) {
  const TestNode dead = node(), other = node();
  dead.journal->open_breaker(dead.id, "a", "refused");
  advance(seconds{11});
  ASSERT_TRUE(dead.journal->lease_probe(dead.id, "a"));
  EXPECT_FALSE(other.journal->lease_probe(other.id, "a"));
  kill(dead);
  EXPECT_TRUE(other.journal->lease_probe(other.id, "a"));
}

TEST_P(JournalConformance, NobodyWaitsForTheProbeOfANodeThatLeft) {
  const TestNode one = node(), other = node();
  one.journal->open_breaker(one.id, "a", "refused");
  advance(seconds{11});
  ASSERT_TRUE(one.journal->lease_probe(one.id, "a"));
  one.journal->leave(one.id);
  EXPECT_TRUE(other.journal->lease_probe(other.id, "a"));
}

TEST_P(JournalConformance, WhatWaitsForAHandlerOutOfReachIsToldWithThatReason) {
  const TestNode one = node("evd", {"a"});
  emit("one");
  defer(one, "a");
  one.journal->open_breaker(one.id, "a", "no route to host");
  advance(minutes{61});
  one.journal->heartbeat(one.id);
  EXPECT_EQ(one.journal->mark_late(minutes{60}, 100).stalled, 1);
  ASSERT_EQ(fixture().alerts().size(), 2U);
  EXPECT_THAT(fixture().alerts()[1].error, testing::HasSubstr("breaker"));
  // Nothing is over while parts of it still wait.
  fixture().resume("a");
  EXPECT_EQ(fixture().alerts().size(), 2U);
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_TRUE(one.journal->close_part(one.id, part->ref, std::nullopt, {}));
  EXPECT_EQ(fixture().alerts().back().kind, "recovered");
}

TEST_P(JournalConformance, PollTellsOnlyOfWhatTheAskerMayTake) {
  journal::HandlerPolicy by_cron = policy("a");
  by_cron.is_cron = true;
  set_handler(by_cron);
  const TestNode daemon = node("evd", {"a"}), cron = node("evrecover");
  emit_failed(daemon);
  advance(seconds{11});
  daemon.journal->heartbeat(daemon.id);
  EXPECT_FALSE(state_of(daemon).has_delivery) << "it is left to evrecover";
  const auto seen_by_cron = [&](Milliseconds precedence) {
    return cron.journal->poll(cron.id, {{"a"}, true, precedence}).handlers.at(0).has_delivery;
  };
  EXPECT_TRUE(seen_by_cron(Milliseconds{0}));
  EXPECT_FALSE(seen_by_cron(minutes{5})) << "a living evd hosts it";
}

TEST_P(JournalConformance, PollTellsWhetherAnEventIsUnreadAndAnAlertWaits) {
  const TestNode one = node();
  const auto poll = [&] { return one.journal->poll(one.id, {{"a"}}); };
  EXPECT_FALSE(poll().has_unread);
  EXPECT_FALSE(poll().has_alert);
  emit("one");
  EXPECT_TRUE(poll().has_unread);
  const auto window = claim(one);
  EXPECT_FALSE(poll().has_unread);
  close(one, window, {open_pair(window.events[0].id, State::k_failed, "never")});
  EXPECT_TRUE(poll().has_alert);
}

}  // namespace evd::test
