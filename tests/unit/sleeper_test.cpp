#include "common/dispatch/sleeper.hpp"

#include <gtest/gtest.h>

#include "common/journal/memory_journal.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/flaky_journal.hpp"

namespace evd::test {
namespace {

using dispatch::Claimed;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SleeperTest : public testing::Test {
 protected:
  // Claims when the sleeper says so, and finds nothing, for that long. Returns how often.
  int idle_for(Milliseconds duration) {
    const Clock::TimePoint end = clock_.now() + duration;
    int claims = 0;
    while (std::max(sleeper_.claim_at(true), clock_.now()) < end) {
      if (sleeper_.claim_at(true) > clock_.now()) {
        clock_.advance(std::chrono::ceil<Milliseconds>(sleeper_.claim_at(true) - clock_.now()));
      }
      EXPECT_TRUE(sleeper_.may_claim());
      sleeper_.claimed(journal_, Claimed::k_nothing);
      if (++claims == 10'000) {
        ADD_FAILURE() << "it claims without a pause";
        break;
      }
    }
    clock_.advance(std::chrono::ceil<Milliseconds>(end - clock_.now()));
    return claims;
  }

  void find(int claims = 1, Claimed what = Claimed::k_some) {
    for (int i = 0; i < claims; ++i) sleeper_.claimed(journal_, what);
  }

  int arms() const { return journal_.calls("arm"); }

  FakeClock clock_;
  journal::MemoryJournal memory_{clock_};
  FlakyJournal journal_{memory_};
  dispatch::Sleeper sleeper_{clock_, true};
};

TEST_F(SleeperTest, ArmsOnlyAfterBeingIdleForAWhile) {
  EXPECT_TRUE(sleeper_.may_claim());
  EXPECT_GE(idle_for(milliseconds{20}), 5) << "it polls often until then";
  EXPECT_EQ(arms(), 0);
  idle_for(milliseconds{5});
  EXPECT_EQ(arms(), 1);
  EXPECT_TRUE(memory_.is_armed());
}

// A step takes time: a node that was to claim 2 ms later slept for a second instead.
TEST_F(SleeperTest, WhatBecameDueDuringAStepIsDueAfterIt) {
  find(5);
  EXPECT_FALSE(sleeper_.may_claim()) << "it waits for company";
  clock_.advance(milliseconds{5});
  EXPECT_LE(sleeper_.claim_at(false), clock_.now());
}

TEST_F(SleeperTest, NobodyWakesToClaimWhatThereIsNoRoomFor) {
  EXPECT_TRUE(sleeper_.may_claim());
  EXPECT_EQ(sleeper_.claim_at(false), Clock::TimePoint::max());
}

TEST_F(SleeperTest, UnderLoadAClaimWaitsForCompany) {
  find(3);
  EXPECT_TRUE(sleeper_.may_claim()) << "a few events are claimed as they come";
  find();
  EXPECT_FALSE(sleeper_.may_claim());
  clock_.advance(milliseconds{2});
  EXPECT_TRUE(sleeper_.may_claim());
}

TEST_F(SleeperTest, WhileWindowsAreFullClaimsWaitForNothing) {
  find(10, Claimed::k_full);
  EXPECT_TRUE(sleeper_.may_claim());
}

TEST_F(SleeperTest, AClaimThatFindsSomethingStartsTheWaitAnew) {
  for (int i = 0; i < 10; ++i) {
    idle_for(milliseconds{15});
    find();
    EXPECT_TRUE(sleeper_.may_claim()) << "at once";
  }
  EXPECT_EQ(arms(), 0);
}

TEST_F(SleeperTest, WaitsNoLongerThan4MillisecondsWhileAwake) {
  idle_for(milliseconds{10});
  sleeper_.claimed(journal_, Claimed::k_nothing);
  EXPECT_LE(sleeper_.claim_at(true) - clock_.now(), milliseconds{4});
  EXPECT_GT(sleeper_.claim_at(true), clock_.now());
}

TEST_F(SleeperTest, LooksAtOnceAfterArmingAndOnceMoreWhenNoEmitterCanHaveMissedIt) {
  journal_.set_past(false);
  idle_for(milliseconds{30});
  ASSERT_EQ(arms(), 1);
  EXPECT_GE(idle_for(milliseconds{200}), 40) << "it polls while an emitter may have missed it";
  journal_.set_past(true);
  clock_.advance(milliseconds{4});
  sleeper_.claimed(journal_, Claimed::k_nothing);
  EXPECT_TRUE(sleeper_.may_claim()) << "one more look";
  sleeper_.claimed(journal_, Claimed::k_nothing);
  EXPECT_EQ(sleeper_.claim_at(true) - clock_.now(), seconds{60}) << "it sleeps";
}

TEST_F(SleeperTest, PollsForAtMostASecondWhileATransactionStaysOpen) {
  journal_.set_past(false);
  idle_for(milliseconds{1100});
  EXPECT_LE(idle_for(seconds{10}), 11);
  EXPECT_EQ(arms(), 1);
}

TEST_F(SleeperTest, IsWokenByWhatTheSlowPollNotices) {
  idle_for(seconds{2});
  ASSERT_FALSE(sleeper_.may_claim());
  sleeper_.noticed();
  EXPECT_TRUE(sleeper_.may_claim());
}

TEST_F(SleeperTest, IsWokenByANotification) {
  idle_for(seconds{2});
  ASSERT_FALSE(sleeper_.may_claim());
  sleeper_.notified();
  EXPECT_TRUE(sleeper_.may_claim());
}

TEST_F(SleeperTest, DoesNotArmAgainWhileItIsArmed) {
  idle_for(milliseconds{100});
  for (int i = 0; i < 5; ++i) {
    sleeper_.notified();
    find(2);
    idle_for(milliseconds{100});
  }
  EXPECT_EQ(arms(), 1);
  EXPECT_EQ(journal_.calls("is_past"), 1) << "it sleeps at once";
  EXPECT_EQ(journal_.calls("disarm"), 0);
}

TEST_F(SleeperTest, WhatTheLastLookFindsIsNoReasonToArmAgain) {
  while (journal_.calls("is_past") == 0) {
    clock_.advance(milliseconds{4});
    sleeper_.claimed(journal_, Claimed::k_nothing);
  }
  ASSERT_TRUE(sleeper_.may_claim());
  find();
  idle_for(seconds{2});
  EXPECT_EQ(arms(), 1);
}

TEST_F(SleeperTest, DisarmsUnderLoadAndArmsAgainAfterIt) {
  idle_for(seconds{2});
  sleeper_.notified();
  find(20);
  EXPECT_EQ(journal_.calls("disarm"), 1);
  EXPECT_FALSE(memory_.is_armed());
  idle_for(seconds{2});
  EXPECT_EQ(arms(), 2);
}

TEST_F(SleeperTest, ArmsAgainWhenItWasNotToldOfWhatItFound) {
  idle_for(seconds{2});
  memory_.disarm();  // another node, which then died
  find();
  idle_for(seconds{2});
  EXPECT_EQ(arms(), 2);
}

TEST_F(SleeperTest, WhatItFindsWhileArmingDoesNotEndTheWaitForOthers) {
  journal_.set_past(false);
  idle_for(milliseconds{30});
  ASSERT_EQ(arms(), 1);
  find();
  idle_for(milliseconds{30});
  EXPECT_EQ(arms(), 1);
  EXPECT_GE(idle_for(milliseconds{200}), 40) << "an emitter may still have missed it";
  journal_.set_past(true);
  idle_for(milliseconds{100});
  EXPECT_LE(idle_for(seconds{10}), 11);
}

TEST_F(SleeperTest, PollsWhereNoNotificationCanArrive) {
  sleeper_.reconnected(false);
  idle_for(seconds{1});
  EXPECT_EQ(arms(), 0);
  const int claims = idle_for(seconds{1});
  EXPECT_GE(claims, 18);
  EXPECT_LE(claims, 22);
}

TEST_F(SleeperTest, ANewConnectionStartsAwakeAndUnarmed) {
  idle_for(seconds{2});
  sleeper_.reconnected(true);
  EXPECT_TRUE(sleeper_.may_claim());
  idle_for(seconds{2});
  EXPECT_EQ(arms(), 2);
}

}  // namespace
}  // namespace evd::test
