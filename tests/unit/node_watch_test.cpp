#include <gtest/gtest.h>

#include "common/journal/memory_journal.hpp"
#include "common/logging/recording_logger.hpp"
#include "common/recovery/pass.hpp"
#include "common/recovery/watch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/flaky_journal.hpp"

namespace evd::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Nodes are stale after 30 s, and watched for 5 s then.
class NodeWatchTest : public testing::Test {
 protected:
  journal::NodeId add_node(const std::string& name) {
    return journal_.register_node({name, "evd", "1", {}});
  }

  FakeClock clock_;
  journal::MemoryJournal journal_{clock_};
  logging::RecordingLogger logger_;
  recovery::NodeWatch watch_{clock_, logger_, seconds{30}, seconds{5}};
};

TEST_F(NodeWatchTest, AStaleHeartbeatAloneIsNotDeath) {
  const auto node = add_node("one");
  clock_.advance(seconds{300});  // as after PostgreSQL was away
  EXPECT_EQ(watch_.look(journal_), 0);
  EXPECT_EQ(watch_.next_look_at(), clock_.now() + seconds{5});
  clock_.advance(milliseconds{4999});
  EXPECT_EQ(watch_.look(journal_), 0);
  EXPECT_TRUE(journal_.heartbeat(node));
}

TEST_F(NodeWatchTest, ANodeThatStoodStillIsFenced) {
  const auto node = add_node("one");
  clock_.advance(seconds{31});
  watch_.look(journal_);
  clock_.advance(seconds{5});
  EXPECT_EQ(watch_.look(journal_), 1);
  EXPECT_FALSE(journal_.heartbeat(node));
  EXPECT_FALSE(watch_.next_look_at());
  EXPECT_TRUE(logger_.contains(logging::Level::k_warn, "name=one"));
}

TEST_F(NodeWatchTest, AHeartbeatThatMovedBeginsTheWatchAnew) {
  const auto node = add_node("one");
  clock_.advance(seconds{31});
  watch_.look(journal_);
  clock_.advance(seconds{4});
  journal_.heartbeat(node);
  clock_.advance(seconds{31});  // it is stale again, with another heartbeat, and nobody looked
  EXPECT_EQ(watch_.look(journal_), 0);
  clock_.advance(seconds{5});
  EXPECT_EQ(watch_.look(journal_), 1);
}

TEST_F(NodeWatchTest, ALivingNodeIsNeverUnderSuspicion) {
  const auto node = add_node("one");
  for (int i = 0; i < 100; ++i) {
    clock_.advance(seconds{10});
    journal_.heartbeat(node);
    EXPECT_EQ(watch_.look(journal_), 0);
    EXPECT_FALSE(watch_.next_look_at());
  }
}

TEST_F(NodeWatchTest, OnlyTheDeadOneIsFenced) {
  const auto dead = add_node("dead"), living = add_node("living");
  clock_.advance(seconds{31});
  watch_.look(journal_);
  journal_.heartbeat(living);
  clock_.advance(seconds{5});
  EXPECT_EQ(watch_.look(journal_), 1);
  EXPECT_FALSE(journal_.heartbeat(dead));
  EXPECT_TRUE(journal_.heartbeat(living));
}

TEST_F(NodeWatchTest, AnotherObserverWatchesForItself) {
  add_node("one");
  clock_.advance(seconds{31});
  watch_.look(journal_);
  clock_.advance(seconds{5});
  recovery::NodeWatch other(clock_, logger_, seconds{30}, seconds{5});
  EXPECT_EQ(other.look(journal_), 0);
}

TEST(NodeTimes, HeartbeatsMoveWhileANodeIsWatched) {
  for (const int timeout : {3, 10, 30, 300}) {
    EXPECT_LT(recovery::heartbeat_every(seconds{timeout}), recovery::watch_time(seconds{timeout}));
  }
}

class RecoveryPass : public NodeWatchTest {
 protected:
  RecoveryPass() {
    config_.node_timeout = seconds{30};
    config_.escalate_after = std::chrono::hours{1};
    journal_.set_handler({.name = "a"});
    journal_.add_route("one", {"a"});
  }

  RecoveryConfig config_;
};

TEST_F(RecoveryPass, FreesWhatADeadNodeHeld) {
  const auto node = add_node("one");
  for (int i = 0; i < 250; ++i) journal_.emit("one");  // more than one page of rows
  const auto window = journal_.claim(node, {7, 1000});
  ASSERT_TRUE(window);
  recovery::Pass pass(config_, clock_, logger_);
  recovery::PassCounts counts;
  clock_.advance(seconds{31});
  pass.free_dead(journal_, counts);
  EXPECT_EQ(counts.fenced, 0);
  EXPECT_EQ(counts.taken_over, 0);
  clock_.advance(seconds{5});
  pass.free_dead(journal_, counts);
  EXPECT_EQ(counts.fenced, 1);
  EXPECT_EQ(counts.taken_over, 1);
  EXPECT_EQ(journal_.deliveries().size(), 250U);
  pass.free_dead(journal_, counts);
  EXPECT_EQ(counts.taken_over, 1) << "once";
}

TEST_F(RecoveryPass, LooksForPartitionsNoMoreOftenThanNeedBe) {
  FlakyJournal counting(journal_);
  recovery::Pass pass(config_, clock_, logger_);
  for (int i = 0; i < 60; ++i) {
    pass.maintain(counting);
    clock_.advance(seconds{10});
  }
  EXPECT_EQ(counting.calls("make_partitions"), 1);
  pass.maintain(counting);
  EXPECT_EQ(counting.calls("make_partitions"), 2);
}

TEST_F(RecoveryPass, NotesEveryPageOfWhatIsLateOnce) {
  const auto node = add_node("one");
  std::vector<journal::OpenPair> pairs(450);
  for (auto& pair : pairs) {
    pair.event_id = journal_.emit("one");
    pair.handler = "a";
  }
  const auto window = journal_.claim(node, {7, 1000});
  ASSERT_TRUE(window);
  journal_.close(node, window->ref, {{}, pairs, false});
  recovery::Pass pass(config_, clock_, logger_);
  recovery::PassCounts counts;
  pass.note_late(journal_, counts);
  EXPECT_EQ(counts.timed_out, 0);
  clock_.advance(std::chrono::hours{2});
  pass.note_late(journal_, counts);
  pass.note_late(journal_, counts);
  EXPECT_EQ(counts.timed_out, 450);
  EXPECT_EQ(counts.stalled, 450);
}

}  // namespace
}  // namespace evd::test
