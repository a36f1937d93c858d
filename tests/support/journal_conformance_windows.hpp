// Claims and closes of windows; included by journal_conformance_suite.hpp.
#pragma once

#include <algorithm>
#include <thread>

#include "common/base/random.hpp"
#include "tests/support/journal_conformance.hpp"

namespace evd::test {

using journal::CloseResult;
using journal::OutcomeKind;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

TEST_P(JournalConformance, ClaimGivesEventsInLogOrderUpToTheLimit) {
  const TestNode one = node();
  const auto first = emit("one"), second = emit("two"), third = emit("one");
  const journal::Window window = claim(one, 2);
  EXPECT_THAT(ids(window.events), ElementsAre(first, second));
  EXPECT_LT(window.events[0].position(), window.events[1].position());
  const journal::Window next = claim(one, 2);
  EXPECT_THAT(ids(next.events), ElementsAre(third));
  EXPECT_LT(window.ref.id, next.ref.id);
}

TEST_P(JournalConformance, ClaimGivesNothingWhenThereIsNothing) {
  const TestNode one = node();
  EXPECT_FALSE(one.journal->claim(one.id, {1, 10}));
  emit("one");
  EXPECT_TRUE(one.journal->claim(one.id, {2, 10}));
  EXPECT_FALSE(one.journal->claim(one.id, {3, 10}));
}

TEST_P(JournalConformance, ClaimCarriesWhatWasEmitted) {
  const TestNode one = node();
  fixture().emit("two", R"({"n": 1.50})", {"label", std::nullopt});
  const journal::Event event = claim(one).events.at(0);
  EXPECT_EQ(event.args, R"({"n": 1.50})");
  EXPECT_EQ(event.key, "label");
  EXPECT_FALSE(event.is_later);
  EXPECT_GT(event.created_at_us, 0);
  const auto routes = one.journal->routes();
  const auto route = std::find_if(routes.begin(), routes.end(),
                                  [&](const auto& known) { return known.id == event.route_id; });
  ASSERT_NE(route, routes.end());
  EXPECT_EQ(route->event_name, "two");
  EXPECT_THAT(route->expected, ElementsAre("a", "b"));
}

TEST_P(JournalConformance, ClaimCountsTheEventsThatNobodyReads) {
  const TestNode one = node();
  emit("two");
  const auto read = emit("one");
  emit("two");
  emit_later("two", minutes{5});
  const auto routes = one.journal->routes();
  const auto two = std::find_if(routes.begin(), routes.end(), [](const auto& route) {
                     return route.event_name == "two";
                   })->id;
  const auto window = one.journal->claim(one.id, {1, 10, {{two}, {}}});
  ASSERT_TRUE(window);
  EXPECT_THAT(ids(window->events), ElementsAre(read));
  ASSERT_EQ(window->counted.size(), 1U);
  EXPECT_EQ(window->counted[0].route_id, two);
  EXPECT_EQ(window->counted[0].events, 3);
  EXPECT_EQ(window->counted[0].later, 1);
}

TEST_P(JournalConformance, AClaimBegunAheadIsTheNextOne) {
  const TestNode one = node();
  make_ready_ahead(one, 1);
  std::vector<std::int64_t> emitted;
  for (int count = 0; count < 5; ++count) emitted.push_back(emit("one"));
  const auto first = one.journal->claim(one.id, {1, 2, {}, 1});
  ASSERT_TRUE(first);
  ASSERT_EQ(first->ahead, 1U);
  EXPECT_EQ(close(one, *first), CloseResult::k_closed) << "other calls go on meanwhile";
  const auto second = one.journal->claim(one.id, {2, 2, {}, 1});
  ASSERT_TRUE(second);
  ASSERT_EQ(second->ahead, 1U);
  EXPECT_NE(second->ref.token, 2) << "it was begun before this was asked for";
  const auto third = one.journal->claim(one.id, {3, 2, {}, 1});
  ASSERT_TRUE(third);
  EXPECT_EQ(third->ahead, 0U) << "it was not full";
  EXPECT_THAT(ids(first->events), ElementsAre(emitted[0], emitted[1]));
  EXPECT_THAT(ids(second->events), ElementsAre(emitted[2], emitted[3]));
  EXPECT_THAT(ids(third->events), ElementsAre(emitted[4]));
  EXPECT_EQ(close(one, *second), CloseResult::k_closed);
  EXPECT_EQ(close(one, *third), CloseResult::k_closed);
  EXPECT_FALSE(one.journal->claim(one.id, {4, 2}));
}

// Which of them is first is not said: they may be claimed at the same time.
TEST_P(JournalConformance, SeveralClaimsBegunAheadTakeEachEventOnce) {
  const TestNode one = node();
  make_ready_ahead(one, 2);
  std::vector<std::int64_t> emitted, taken;
  for (int count = 0; count < 9; ++count) emitted.push_back(emit("one"));
  std::size_t most_ahead = 0;
  while (const auto window = one.journal->claim(one.id, {1, 2, {}, 2})) {
    for (const std::int64_t id : ids(window->events)) taken.push_back(id);
    most_ahead = std::max(most_ahead, window->ahead);
    EXPECT_EQ(close(one, *window), CloseResult::k_closed);
  }
  EXPECT_EQ(most_ahead, 2U);
  EXPECT_THAT(taken, UnorderedElementsAreArray(emitted));
}

TEST_P(JournalConformance, AClaimBegunAheadMayFindNothing) {
  const TestNode one = node();
  make_ready_ahead(one, 2);
  emit("one");
  const auto window = one.journal->claim(one.id, {1, 1, {}, 2});
  ASSERT_TRUE(window);
  ASSERT_EQ(window->ahead, 2U);
  EXPECT_FALSE(one.journal->claim(one.id, {2, 1}));
  emit("one");
  EXPECT_TRUE(one.journal->claim(one.id, {3, 1}));
}

TEST_P(JournalConformance, ReconcileGivesBackAWindowThatWasClaimedAhead) {
  const TestNode one = node();
  make_ready_ahead(one, 1);
  emit("one");
  const auto ahead = emit("one");
  const auto window = one.journal->claim(one.id, {1, 1, {}, 1});
  ASSERT_TRUE(window);
  ASSERT_EQ(window->ahead, 1U);
  const auto left = one.journal->reconcile(one.id, {{window->ref.token}, {}});
  EXPECT_THAT(left, ElementsAre(window->ref));
  const auto part = one.journal->take_part(one.id, 5, {"a"});
  ASSERT_TRUE(part);
  EXPECT_THAT(ids(part->events), ElementsAre(ahead));
  EXPECT_FALSE(one.journal->claim(one.id, {2, 1})) << "it is not the node's any more";
}

TEST_P(JournalConformance, AnEventKeepsTheRouteItWasWrittenWith) {
  const TestNode one = node();
  const auto before = emit("one");
  fixture().add_route("one", {"b"}, minutes{5}, false);
  const auto after = emit("one");
  const journal::Window window = claim(one);
  ASSERT_THAT(ids(window.events), ElementsAre(before, after));
  EXPECT_NE(window.events[0].route_id, window.events[1].route_id);
  EXPECT_EQ(one.journal->routes().size(), 4U) << "the retired one is told too";
}

TEST_P(JournalConformance, TwoNodesNeverGetTheSameEvent) {
  std::vector<std::int64_t> emitted;
  for (int count = 0; count < 60; ++count) emitted.push_back(emit("one"));
  const auto claim_all = [](const TestNode& claimer, std::vector<std::int64_t>& got) {
    while (const auto window = claimer.journal->claim(claimer.id, {random_token(), 4})) {
      for (const auto id : ids(window->events)) got.push_back(id);
    }
  };
  std::vector<std::int64_t> all, others;
  const TestNode one = node(), two = node();
  {
    const std::jthread thread([&] { claim_all(two, others); });
    claim_all(one, all);
  }
  all.insert(all.end(), others.begin(), others.end());
  EXPECT_THAT(all, testing::UnorderedElementsAreArray(emitted));
}

TEST_P(JournalConformance, CloseWithEverythingDoneLeavesNoRows) {
  const TestNode one = node();
  const auto id = emit("two");
  EXPECT_FALSE(fixture().settled(id));
  const journal::Window window = claim(one);
  EXPECT_FALSE(fixture().settled(id));
  EXPECT_EQ(close(one, window), CloseResult::k_closed);
  EXPECT_TRUE(fixture().settled(id));
  EXPECT_THAT(fixture().deliveries(), IsEmpty());
  EXPECT_FALSE(take_part(one, {"a", "b"}));
}

TEST_P(JournalConformance, CloseWithAStaleTokenIsGone) {
  const TestNode one = node(), two = node();
  const auto id = emit("one");
  const journal::Window window = claim(one);
  journal::Window stale = window;
  ++stale.ref.token;
  EXPECT_EQ(close(one, stale, {open_pair(id, State::k_retry)}), CloseResult::k_gone);
  EXPECT_EQ(close(two, window), CloseResult::k_gone) << "another node's";
  EXPECT_THAT(fixture().deliveries(), IsEmpty());
  EXPECT_EQ(close(one, window), CloseResult::k_closed);
  EXPECT_EQ(close(one, window), CloseResult::k_gone) << "closed already";
}

TEST_P(JournalConformance, AFailedPairIsDueAfterItsBackoff) {
  const TestNode one = node();
  const auto id = emit("two");
  EXPECT_EQ(close(one, claim(one), {open_pair(id, State::k_retry, "boom")}), CloseResult::k_closed);
  ASSERT_EQ(fixture().deliveries().size(), 1U) << "b is done";
  EXPECT_EQ(row(id).state, "waiting");
  EXPECT_EQ(row(id).attempts, 1);
  EXPECT_EQ(row(id).max_attempts, 5);
  EXPECT_EQ(row(id).last_error, "boom");
  EXPECT_THAT(row(id).due_in, about(seconds{10}));
  EXPECT_THAT(alert_kinds(), IsEmpty());
  EXPECT_FALSE(fixture().settled(id));
}

TEST_P(JournalConformance, RetryAfterCanOnlyDelayTheNextAttempt) {
  const TestNode one = node();
  const auto later = emit("one"), sooner = emit("one");
  close(one, claim(one),
        {open_pair(later, State::k_retry, "", minutes{7}),
         open_pair(sooner, State::k_retry, "", Milliseconds{1})});
  EXPECT_THAT(row(later).due_in, about(minutes{7}));
  EXPECT_THAT(row(sooner).due_in, about(seconds{10}));
}

TEST_P(JournalConformance, FailingForGoodEscalatesAndTells) {
  const TestNode one = node();
  const auto id = emit("one");
  close(one, claim(one), {open_pair(id, State::k_failed, "no such user")});
  EXPECT_EQ(row(id).state, "escalated");
  const auto alerts = fixture().alerts();
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].kind, "escalated");
  EXPECT_EQ(alerts[0].event_name, "one");
  EXPECT_EQ(alerts[0].event_id, id);
  EXPECT_EQ(alerts[0].handler, "a");
  EXPECT_EQ(alerts[0].attempts, 1);
  EXPECT_EQ(alerts[0].error, "no such user");
  advance(minutes{120});
  EXPECT_THAT(take(one), IsEmpty());
}

TEST_P(JournalConformance, TheOnlyAttemptEscalatesWhenItFails) {
  journal::HandlerPolicy only = policy("a");
  only.max_attempts = 1;
  set_handler(only);
  const TestNode one = node();
  const auto id = emit("one");
  close(one, claim(one), {open_pair(id, State::k_retry, "boom")});
  EXPECT_EQ(row(id).state, "escalated");
  EXPECT_THAT(alert_kinds(), ElementsAre("escalated"));
}

TEST_P(JournalConformance, AQueuedPairWaitsUnattempted) {
  const TestNode one = node();
  const auto id = emit_queued(one);
  EXPECT_EQ(row(id).state, "waiting");
  EXPECT_EQ(row(id).run, 0);
  EXPECT_EQ(row(id).attempts, 0);
  EXPECT_THAT(ids(take(one)), ElementsAre(id)) << "due at once";
}

TEST_P(JournalConformance, ARunningPairBecomesRunOneOfItsNode) {
  const TestNode one = node(), two = node();
  const auto id = emit("one");
  close(one, claim(one), {open_pair(id, State::k_running)});
  EXPECT_EQ(row(id).state, "running");
  EXPECT_EQ(row(id).run, 1);
  EXPECT_EQ(row(id).attempts, 1);
  EXPECT_EQ(row(id).node, one.id);
  EXPECT_THAT(take(two), IsEmpty());
  EXPECT_FALSE(fixture().settled(id));
  EXPECT_EQ(finish(two, id, 1, OutcomeKind::k_done), 0);
  EXPECT_EQ(finish(one, id, 1, OutcomeKind::k_done), 1);
  EXPECT_THAT(fixture().deliveries(), IsEmpty());
  EXPECT_TRUE(fixture().settled(id));
}

TEST_P(JournalConformance, LaterEventsWaitInDeliveriesUntilTheyAreDue) {
  const TestNode one = node();
  const auto now = emit("two"), later = emit_later("two", minutes{10});
  const journal::Window window = claim(one);
  ASSERT_THAT(ids(window.events), ElementsAre(now, later));
  EXPECT_FALSE(window.events[0].is_later);
  EXPECT_TRUE(window.events[1].is_later);
  close(one, window);
  ASSERT_EQ(fixture().deliveries().size(), 2U);
  EXPECT_EQ(row(later, "a").attempts, 0);
  EXPECT_THAT(row(later, "b").due_in, about(minutes{10}));
  EXPECT_THAT(take(one), IsEmpty());
  advance(minutes{11});
  EXPECT_THAT(ids(take(one)), ElementsAre(later));
  EXPECT_THAT(ids(take(one, "b")), ElementsAre(later));
}

TEST_P(JournalConformance, ReconcileGivesBackWhatTheNodeDoesNotKnowOf) {
  const TestNode one = node();
  const auto first = emit("one");
  const journal::Window known = claim(one);
  const auto second = emit("one");
  const journal::Window lost = claim(one);
  EXPECT_THAT(one.journal->reconcile(one.id, {{known.ref.token}, {}}), ElementsAre(known.ref));
  EXPECT_EQ(close(one, lost), CloseResult::k_gone);
  EXPECT_FALSE(fixture().settled(second));
  const auto part = take_part(one, {"a"});
  ASSERT_TRUE(part);
  EXPECT_THAT(ids(part->events), ElementsAre(second));
  EXPECT_EQ(close(one, known, {open_pair(first, State::k_running)}), CloseResult::k_closed);

  one.journal->reconcile(one.id, {{part->ref.token}, {{first, "a", 1, {}}}});
  EXPECT_EQ(row(first).state, "running") << "the node knows of this run";
  EXPECT_FALSE(take_part(one, {"a"})) << "and of this lease";
  one.journal->reconcile(one.id, {});
  EXPECT_EQ(row(first).state, "waiting");
  EXPECT_EQ(row(first).attempts, 0);
  EXPECT_TRUE(take_part(one, {"a"}));
}

}  // namespace evd::test
