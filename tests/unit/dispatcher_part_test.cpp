// Shares that are put off as a whole, and come back as parts.
#include "tests/support/dispatcher_fixture.hpp"

namespace evd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class DispatcherPart : public DispatcherFixture {};

TEST_F(DispatcherPart, APausedHandlersShareIsPutOffAndStartsAfterTheResume) {
  start({"a", "b"});
  memory_.pause("a");
  run();
  const auto ids = emit("ab", 4);
  run();
  b_->end_all();
  run();
  EXPECT_EQ(journal_.calls("close"), 1) << "a pause keeps no window open";
  EXPECT_THAT(a_->started(), IsEmpty());
  EXPECT_THAT(memory_.deliveries(), IsEmpty()) << "one row for the share, none for its pairs";
  run_for(seconds{5});
  EXPECT_THAT(a_->started(), IsEmpty());
  memory_.resume("a");
  run_for(seconds{1});
  EXPECT_EQ(a_->running(), ids);
  a_->end_all();
  run();
  EXPECT_TRUE(all_settled(ids));
  EXPECT_FALSE(has_part("a"));
}

TEST_F(DispatcherPart, APauseStopsAShareThatHasBegun) {
  start({"a"});
  a_->set_capacity(1);
  const auto ids = emit("a", 4);
  run();
  memory_.pause("a");
  dispatcher_->look_now();
  run();
  a_->end_all();
  run_for(seconds{3});
  EXPECT_THAT(a_->started(), ElementsAre(1));
  EXPECT_TRUE(has_part("a"));
  memory_.resume("a");
  run_for(seconds{2});
  EXPECT_THAT(a_->started(), ElementsAre(1, 2));
}

TEST_F(DispatcherPart, AHandlerHostedElsewhereFindsItsShare) {
  start({"a"});
  const auto ids = emit("abroad", 3);
  run();
  a_->end_all();
  run();
  EXPECT_TRUE(dispatcher_->is_idle());
  EXPECT_TRUE(has_part("elsewhere"));
  EXPECT_FALSE(all_settled(ids));
  const auto other = memory_.register_node({"other", "evd", "1", {"elsewhere"}});
  const auto part = memory_.take_part(other, 7, {"elsewhere"});
  ASSERT_TRUE(part);
  EXPECT_EQ(part->events.size(), 3U);
}

TEST_F(DispatcherPart, AreTakenOldestFirst) {
  start({"a", "b"});
  memory_.pause("a");
  run();
  for (int window = 0; window < 3; ++window) {
    emit("a", 2);
    run();
  }
  a_->set_capacity(1);
  memory_.resume("a");
  run_for(seconds{1});
  while (!a_->running().empty()) {
    a_->end_all();
    run();
  }
  EXPECT_THAT(a_->started(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(DispatcherPart, AreTakenOnlyWhenTheHandlerHasRoom) {
  start({"a", "b"});
  memory_.pause("a");
  run();
  for (int window = 0; window < 3; ++window) {
    emit("a", 2);
    run();
  }
  a_->set_capacity(1);
  memory_.resume("a");
  const int before = journal_.calls("take_part");
  run_for(seconds{1});
  EXPECT_EQ(journal_.calls("take_part"), before + 1) << "the first is not started to its end";
  EXPECT_THAT(a_->running(), ElementsAre(1));
  a_->end_all();
  run();
  EXPECT_EQ(journal_.calls("take_part"), before + 1) << "no slot is free for another one";
}

TEST_F(DispatcherPart, GoOnWhereTheyCame) {
  start({"a"});
  a_->set_capacity(1);
  const auto ids = emit("a", 6);
  run_for(seconds{1});
  for (int i = 0; i < 6; ++i) {
    run_for(milliseconds{700});  // longer than half of what a lease lasts
    a_->end_all();
    run();
  }
  EXPECT_THAT(a_->started(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_TRUE(all_settled(ids));
}

TEST_F(DispatcherPart, OfASlowHandlerIsTakenAgainWithoutWaitingForThePoll) {
  options_.poll_every = seconds{60};
  start({"a"});
  a_->set_capacity(1);
  emit("a", 9);
  run_for(seconds{1});  // the window is spilled, and its rest a part
  a_->end_all();
  run();
  ASSERT_THAT(a_->running(), ElementsAre(2));
  dispatcher_->look_now();  // while the part is this node's, there is none to take
  run_for(seconds{1});      // it is put back, with what is left
  a_->end_all();
  run();
  EXPECT_THAT(a_->running(), ElementsAre(3));
}

TEST_F(DispatcherPart, NewWindowsQueueBehindThem) {
  options_.poll_every = seconds{60};
  start({"a", "b"});
  a_->set_capacity(1);
  emit("a", 9);
  run_for(seconds{1});
  a_->end_all();
  run();
  run_for(seconds{1});  // the part is put back
  emit("ab", 1);
  run();
  b_->end_all();
  run();
  EXPECT_TRUE(has_part("a"));
  while (!a_->running().empty()) {
    a_->end_all();
    run();
  }
  EXPECT_THAT(a_->started(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST_F(DispatcherPart, AFailureInAPartBecomesADelivery) {
  start({"a", "b"});
  memory_.pause("a");
  run();
  const auto ids = emit("a", 3);
  run();
  memory_.resume("a");
  run_for(seconds{1});
  a_->end(2, k_try_again);
  a_->end_all();
  run();
  EXPECT_THAT(rows("a"), ElementsAre("2 waiting 1/1"));
  EXPECT_FALSE(has_part("a"));
  EXPECT_TRUE(memory_.settled(1) && memory_.settled(3));
}

// With one slot, and always more than one new event waiting for it.
class DispatcherUnderLoad : public DispatcherFixture {
 protected:
  void keep_busy(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      emit("a");
      run_for(milliseconds{100});
      a_->end(a_->running().at(0));
      run();
    }
  }
};

TEST_F(DispatcherUnderLoad, RetriesHaveTheirTurn) {
  start({"a"});
  a_->set_capacity(1);
  emit("a");
  run();
  a_->end_all(k_try_again);
  run();
  emit("a", 3);
  keep_busy(130);
  EXPECT_TRUE(memory_.settled(1));
}

TEST_F(DispatcherUnderLoad, NewEventsHaveTheirTurnBesideManyRetries) {
  start({"a"});
  emit("a", 100);
  run();
  a_->end_all(k_try_again);
  run();
  a_->set_capacity(1);
  clock_.advance(seconds{20});
  dispatcher_->look_now();
  emit("a", 3);
  for (int i = 0; i < 8; ++i) {
    run();
    a_->end_all();
  }
  run();
  EXPECT_TRUE(all_settled({101, 102, 103}));
}

TEST_F(DispatcherUnderLoad, PartsOfADeadNodeHaveTheirTurn) {
  const auto dead = memory_.register_node({"dead", "evd", "1", {"a"}});
  const auto ids = emit("a", 2);
  const auto window = memory_.claim(dead, {7, 10});
  ASSERT_TRUE(window);
  start({"a"});
  a_->set_capacity(1);
  emit("a", 3);
  run_for(milliseconds{500});
  memory_.close(dead, window->ref, {{{"a", {}}}, {}, false});
  keep_busy(50);
  EXPECT_TRUE(all_settled(ids));
}

}  // namespace
}  // namespace evd::test
