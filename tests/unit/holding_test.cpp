#include "common/dispatch/holding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/dispatch/inbox.hpp"
#include "tests/support/fake_handler.hpp"

namespace evd::test {
namespace {

using dispatch::Share;
using journal::OpenPair;

// A holding of events 1 to 4, at the positions (101, 1) to (104, 4).
class HoldingTest : public testing::Test {
 protected:
  HoldingTest() {
    auto events = std::make_shared<std::vector<journal::Event>>(4);
    for (std::size_t i = 0; i < 4; ++i) {
      (*events)[i].id = static_cast<std::int64_t>(i) + 1;
      (*events)[i].xid = 101 + i;
    }
    holding_.events = events;
    host_.handler = &handler_;
    sql_host_.handler = sql_host_.as_share_handler = &sql_handler_;
  }

  // A share of all events, of which that many have started and ended.
  Share& add_share(std::size_t started, std::size_t ended) {
    auto share = std::make_shared<Share>();
    share->host = &host_;
    share->events = {0, 1, 2, 3};
    share->ended.resize(4);
    share->next = started;
    share->running = started - ended;
    for (std::size_t i = 0; i < ended; ++i) share->ended[i] = true;
    holding_.shares.push_back(share);
    return *share;
  }

  Share& add_sql_share(Share::Phase phase) {
    Share& share = add_share(0, 0);
    share.host = &sql_host_;
    share.phase = phase;
    return share;
  }

  dispatch::Inbox inbox_;
  FakeHandler handler_{"a", inbox_, 1};
  FakeShareHandler sql_handler_{"s", inbox_, 1};
  dispatch::Host host_, sql_host_;
  dispatch::Holding holding_;
};

TEST_F(HoldingTest, IsDoneWhenEveryPairHasEnded) {
  EXPECT_TRUE(holding_.is_done()) << "nothing to run";
  Share& share = add_share(4, 3);
  EXPECT_FALSE(holding_.is_done()) << "one runs";
  share.running = 0;
  EXPECT_TRUE(holding_.is_done());
  add_share(3, 3);
  EXPECT_FALSE(holding_.is_done()) << "one has not started";
}

TEST_F(HoldingTest, WaitsForAShareHandlerUntilItIsAtTheEnd) {
  Share& share = add_sql_share(Share::Phase::k_ready);
  for (const auto phase :
       {Share::Phase::k_ready, Share::Phase::k_running, Share::Phase::k_stopped}) {
    share.phase = phase;
    EXPECT_FALSE(holding_.is_done());
    EXPECT_EQ(close_request(holding_).deferred.size(), 1U);
  }
  share.phase = Share::Phase::k_ended;
  EXPECT_TRUE(holding_.is_done());
  EXPECT_TRUE(close_request(holding_).deferred.empty());
}

TEST_F(HoldingTest, RunningPairsAreWrittenAndTheRestIsPutOffBehindThem) {
  add_share(3, 1);
  const journal::CloseRequest request = close_request(holding_);
  ASSERT_EQ(request.pairs.size(), 2U);
  EXPECT_EQ(request.pairs[0].event_id, 2);
  EXPECT_EQ(request.pairs[1].event_id, 3);
  EXPECT_EQ(request.pairs[0].handler, "a");
  EXPECT_EQ(request.pairs[0].state, OpenPair::State::k_running);
  ASSERT_EQ(request.deferred.size(), 1U);
  EXPECT_EQ(request.deferred[0].handler, "a");
  EXPECT_EQ(request.deferred[0].upto, (journal::Position{103, 3}));
}

TEST_F(HoldingTest, AShareThatDidNotStartIsPutOffFromItsBeginning) {
  add_share(0, 0);
  const journal::CloseRequest request = close_request(holding_);
  EXPECT_TRUE(request.pairs.empty());
  ASSERT_EQ(request.deferred.size(), 1U);
  EXPECT_EQ(request.deferred[0].upto, journal::Position{});
  EXPECT_LT(request.deferred[0].upto, (*holding_.events)[0].position());
}

TEST_F(HoldingTest, FailedPairsAreWrittenWithTheirError) {
  Share& share = add_share(4, 4);
  share.failed.push_back({2, "a", OpenPair::State::k_retry, "no luck", Milliseconds{5}});
  const journal::CloseRequest request = close_request(holding_);
  EXPECT_TRUE(request.deferred.empty());
  ASSERT_EQ(request.pairs.size(), 1U);
  EXPECT_EQ(request.pairs[0].error, "no luck");
  EXPECT_EQ(request.pairs[0].retry_after, Milliseconds{5});
}

TEST_F(HoldingTest, KeepsWhatCannotRunHereAndWhatIsDueLater) {
  holding_.deferred.push_back({"elsewhere", {}});
  holding_.has_later = true;
  const journal::CloseRequest request = close_request(holding_);
  EXPECT_EQ(request.deferred.size(), 1U);
  EXPECT_TRUE(request.has_later);
}

TEST_F(HoldingTest, APartSaysHowFarItCame) {
  Share& share = add_share(2, 0);
  EXPECT_EQ(part_progress(holding_), (journal::Position{102, 2}));
  share.next = 4;
  EXPECT_EQ(part_progress(holding_), std::nullopt) << "the rest has started";
  share.next = 0;
  EXPECT_EQ(part_progress(holding_), journal::Position{});
}

}  // namespace
}  // namespace evd::test
