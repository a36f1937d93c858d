// Single pairs; included by journal_conformance_suite.hpp.
#pragma once

#include <thread>

#include "tests/support/journal_conformance.hpp"

namespace evd::test {

using journal::OutcomeKind;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(JournalConformance, TakingADeliveryCountsTheAttemptFirst) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  const auto taken = take(one);
  ASSERT_THAT(ids(taken), ElementsAre(id));
  EXPECT_EQ(taken[0].handler, "a");
  EXPECT_EQ(taken[0].run, 1);
  EXPECT_EQ(taken[0].attempts, 1);
  EXPECT_EQ(taken[0].max_attempts, 5);
  EXPECT_FALSE(taken[0].is_suspect);
  EXPECT_EQ(row(id).state, "running");
  EXPECT_EQ(row(id).attempts, 1);
  EXPECT_EQ(row(id).node, one.id);
  EXPECT_THAT(take(one), IsEmpty());
}

TEST_P(JournalConformance, TakesAtMostTheSlotsOfAHandlerOldestFirst) {
  const TestNode one = node();
  const auto first = emit_failed(one);
  advance(seconds{5});
  const auto second = emit_failed(one);
  advance(seconds{5});
  const auto third = emit_queued(one);
  advance(seconds{6});
  EXPECT_THAT(take(one, "a", 0), IsEmpty());
  EXPECT_THAT(take(one, "b"), IsEmpty());
  EXPECT_THAT(ids(take(one, "a", 2)), testing::UnorderedElementsAre(first, third));
  EXPECT_THAT(ids(take(one, "a", 2)), ElementsAre(second));
}

TEST_P(JournalConformance, NothingIsTakenBeforeItIsDue) {
  const TestNode one = node();
  const auto id = emit_failed(one);
  EXPECT_THAT(take(one), IsEmpty());
  advance(seconds{11});
  const auto taken = take(one);
  ASSERT_THAT(ids(taken), ElementsAre(id));
  EXPECT_EQ(taken[0].run, 2);
  EXPECT_EQ(taken[0].attempts, 2);
}

TEST_P(JournalConformance, APausedHandlersDeliveriesAreNotTaken) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  fixture().pause("a");
  EXPECT_THAT(take(one), IsEmpty());
  fixture().resume("a");
  EXPECT_THAT(ids(take(one)), ElementsAre(id));
}

TEST_P(JournalConformance, TwoNodesNeverGetTheSameDelivery) {
  const TestNode one = node(), two = node();
  std::vector<journal::OpenPair> pairs;
  std::vector<std::int64_t> emitted;
  for (int count = 0; count < 60; ++count) {
    emitted.push_back(emit("one"));
    pairs.push_back(open_pair(emitted.back(), State::k_queued));
  }
  close(one, claim(one), pairs);
  const auto take_all = [](const TestNode& taker, std::vector<std::int64_t>& got) {
    for (auto taken = take(taker, "a", 4); !taken.empty(); taken = take(taker, "a", 4)) {
      for (const auto id : ids(taken)) got.push_back(id);
    }
  };
  std::vector<std::int64_t> all, others;
  {
    const std::jthread thread([&] { take_all(two, others); });
    take_all(one, all);
  }
  all.insert(all.end(), others.begin(), others.end());
  // Whoever met only rows that the other was taking has stopped early; nothing is taken twice.
  for (const auto id : ids(take(one))) all.push_back(id);
  EXPECT_THAT(all, testing::UnorderedElementsAreArray(emitted));
}

TEST_P(JournalConformance, AStaleRunChangesNothing) {
  const TestNode one = node();
  const auto id = emit_failed(one);
  advance(seconds{11});
  ASSERT_EQ(take(one).size(), 1U);
  EXPECT_EQ(finish(one, id, 1, OutcomeKind::k_done), 0);
  EXPECT_EQ(finish(one, id, 1, OutcomeKind::k_failed), 0);
  EXPECT_EQ(finish(one, id, 1, OutcomeKind::k_handed_back), 0);
  EXPECT_EQ(row(id).state, "running");
  EXPECT_EQ(row(id).attempts, 2);
  EXPECT_THAT(alert_kinds(), IsEmpty());
  EXPECT_EQ(finish(one, id, 2, OutcomeKind::k_done), 1);
  EXPECT_EQ(finish(one, id, 2, OutcomeKind::k_done), 0) << "reported already";
}

TEST_P(JournalConformance, DoneWithoutTroubleLeavesNoRow) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  EXPECT_EQ(run_due(one, OutcomeKind::k_done), 1);
  EXPECT_THAT(fixture().deliveries(), IsEmpty());
  EXPECT_TRUE(fixture().settled(id));
}

TEST_P(JournalConformance, DoneAfterTroubleIsKeptAsHistory) {
  const TestNode one = node();
  const auto id = emit_failed(one);
  advance(seconds{11});
  EXPECT_EQ(run_due(one, OutcomeKind::k_done), 1);
  EXPECT_EQ(row(id).state, "done");
  EXPECT_EQ(row(id).last_error, "boom");
  EXPECT_EQ(row(id).attempts, 2);
  EXPECT_TRUE(fixture().settled(id));
  EXPECT_THAT(alert_kinds(), IsEmpty()) << "nobody was told of trouble";
}

TEST_P(JournalConformance, EachFailureWaitsLongerThanTheOneBefore) {
  const TestNode one = node();
  const auto id = emit_failed(one);
  advance(seconds{11});
  run_due(one, OutcomeKind::k_retry, "again");
  EXPECT_THAT(row(id).due_in, about(seconds{30}));
  EXPECT_EQ(row(id).last_error, "again");
  advance(seconds{31});
  run_due(one, OutcomeKind::k_retry, "again");
  EXPECT_THAT(row(id).due_in, about(seconds{90}));
}

TEST_P(JournalConformance, RetryAfterDelaysADeliverysNextAttempt) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  ASSERT_EQ(take(one).size(), 1U);
  EXPECT_EQ(one.journal->finish(one.id, {{id, "a", 1, {OutcomeKind::k_retry, "boom", minutes{7}}}}),
            1);
  EXPECT_THAT(row(id).due_in, about(minutes{7}));
}

TEST_P(JournalConformance, TellsOfAFailingPairOnceAndEscalatesOnce) {
  const TestNode one = node();
  const auto id = emit_failed(one);
  for (int attempt = 2; attempt <= 5; ++attempt) {
    advance(minutes{30});
    EXPECT_EQ(run_due(one, OutcomeKind::k_retry, "boom"), 1);
    EXPECT_EQ(row(id).attempts, attempt);
    EXPECT_EQ(row(id).state, attempt == 5 ? "escalated" : "waiting");
    EXPECT_EQ(row(id).is_alerted, attempt >= 3);
  }
  EXPECT_THAT(alert_kinds(), ElementsAre("failing", "escalated"));
  EXPECT_EQ(fixture().alerts()[0].attempts, 3);
  EXPECT_EQ(fixture().alerts()[1].attempts, 5);
  advance(minutes{120});
  EXPECT_THAT(take(one), IsEmpty());
  EXPECT_FALSE(fixture().settled(id));
}

TEST_P(JournalConformance, WhoWasToldOfTroubleIsToldOfItsEnd) {
  const TestNode one = node();
  const auto id = emit_failed(one);
  for (int attempt = 2; attempt <= 3; ++attempt) {
    advance(minutes{30});
    run_due(one, OutcomeKind::k_retry, "boom");
  }
  advance(minutes{30});
  EXPECT_EQ(run_due(one, OutcomeKind::k_done), 1);
  EXPECT_THAT(alert_kinds(), ElementsAre("failing", "recovered"));
  EXPECT_FALSE(row(id).is_alerted);
}

TEST_P(JournalConformance, AnInterruptedAttemptIsGivenBackTwiceAndThenCounts) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  for (int stop = 1; stop <= 2; ++stop) {
    EXPECT_EQ(run_due(one, OutcomeKind::k_handed_back), 1);
    EXPECT_EQ(row(id).state, "waiting");
    EXPECT_EQ(row(id).attempts, 0);
    EXPECT_EQ(row(id).run, stop) << "runs only grow";
    EXPECT_THAT(row(id).due_in, about(seconds{0}));
  }
  EXPECT_EQ(run_due(one, OutcomeKind::k_handed_back), 1);
  EXPECT_EQ(row(id).attempts, 1);
  EXPECT_THAT(row(id).due_in, about(seconds{10}));
  EXPECT_NE(row(id).last_error, "");
  advance(seconds{11});
  EXPECT_EQ(run_due(one, OutcomeKind::k_handed_back), 1);
  EXPECT_EQ(row(id).attempts, 1) << "the count in a row begins anew";
}

TEST_P(JournalConformance, WhatIsRetriedByCronIsLeftToEvrecover) {
  journal::HandlerPolicy by_cron = policy("a");
  by_cron.is_cron = true;
  set_handler(by_cron);
  const TestNode daemon = node(), cron = node("evrecover");
  const auto queued = emit_queued(daemon), failed = emit_failed(daemon);
  advance(seconds{11});
  EXPECT_THAT(ids(take(daemon)), ElementsAre(queued)) << "never attempted";
  EXPECT_THAT(ids(cron.journal->take_deliveries(cron.id, {{{"a", 10}}, true, seconds{0}})),
              ElementsAre(failed));
}

TEST_P(JournalConformance, PollTellsFromWhenOnToLookForDeliveries) {
  const TestNode one = node();
  const auto poll = [&](const std::string& since) {
    return one.journal->poll(one.id, {{"a"}, false, Milliseconds{0}, {{"a", since}}}).handlers[0];
  };
  const auto id = emit_queued(one);
  advance(seconds{60});
  const journal::HandlerState state = poll("");
  EXPECT_TRUE(state.has_delivery);
  EXPECT_TRUE(poll(state.due_since).has_delivery);
  const auto later = emit_queued(one);
  EXPECT_THAT(ids(one.journal->take_deliveries(one.id, {{{"a", 10, state.due_since}}})),
              ElementsAre(id, later));
}

TEST_P(JournalConformance, EvrecoverLeavesAHostingDaemonPrecedence) {
  const TestNode daemon = node("evd", {"a"}), cron = node("evrecover");
  const auto id = emit_queued(daemon);
  const journal::TakeRequest request{{{"a", 10}}, true, seconds{20}};
  EXPECT_THAT(cron.journal->take_deliveries(cron.id, request), IsEmpty());
  advance(seconds{21});
  EXPECT_THAT(ids(cron.journal->take_deliveries(cron.id, request)), ElementsAre(id));
  const auto orphan = emit_queued(daemon);
  daemon.journal->leave(daemon.id);
  EXPECT_THAT(ids(cron.journal->take_deliveries(cron.id, request)), ElementsAre(orphan));
}

TEST_P(JournalConformance, EvrecoverWaitsForNoDaemonThatFellSilent) {
  const TestNode daemon = node("evd", {"a"}), cron = node("evrecover");
  advance(seconds{31});
  const auto id = emit_queued(daemon);
  EXPECT_THAT(ids(cron.journal->take_deliveries(cron.id, {{{"a", 10}}, true, seconds{20}})),
              ElementsAre(id));
}

}  // namespace evd::test
