#include <gtest/gtest.h>

#include "common/alert/direct_alert.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/alert_fakes.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::alert {
namespace {

using test::recording;

class DirectAlerts : public testing::Test {
 protected:
  DirectAlerts() {
    test::add_channel(config_, "slack");
    test::add_channel(config_, "pager", {"escalated"});
    config_.owners["default"] = {"default", {"slack", "pager"}};
    channels_ = test::recording_channels(config_);
  }

  // A new object each time, as after a restart.
  DirectAlert direct() {
    return DirectAlert(directory_.path(), logger_, [this] { return now_; });
  }
  void raise(std::string_view kind = "database_away") {
    direct().raise(config_, channels_, kind, "connection refused");
  }
  void clear(std::string_view kind = "database_away") { direct().clear(config_, channels_, kind); }
  std::vector<Alert> slack() { return recording(channels_, "slack").sent(); }

  test::TempDir directory_;
  logging::RecordingLogger logger_;
  Config config_;
  Channels channels_;
  std::chrono::system_clock::time_point now_{std::chrono::seconds{1'800'000'000}};
};

TEST_F(DirectAlerts, AreToldOncePerRepeatOverRestarts) {
  raise();
  now_ += std::chrono::minutes{59};
  raise();
  ASSERT_EQ(slack().size(), 1U);
  EXPECT_EQ(slack()[0].kind, "database_away");
  EXPECT_EQ(slack()[0].last_error, "connection refused");
  now_ += std::chrono::minutes{1};
  raise();
  ASSERT_EQ(slack().size(), 2U);
  EXPECT_EQ(slack()[1].first_at, slack()[0].first_at);
}

TEST_F(DirectAlerts, GoOnlyToChannelsThatWantTheKind) {
  raise();
  EXPECT_TRUE(recording(channels_, "pager").sent().empty());
}

TEST_F(DirectAlerts, GoToTheLogWhenNobodyIsThere) {
  config_.owners.clear();
  raise();
  EXPECT_EQ(recording(channels_, k_log_channel).sent().size(), 1U);
  EXPECT_TRUE(slack().empty());
}

TEST_F(DirectAlerts, AreFollowedByRecoveredOnce) {
  raise();
  clear();
  clear();
  ASSERT_EQ(slack().size(), 2U);
  EXPECT_EQ(slack()[1].kind, "recovered");
  EXPECT_EQ(slack()[1].recovers, std::vector<std::string>{"database_away"});
}

TEST_F(DirectAlerts, SayNothingOfARecoveryThatNobodyWaitsFor) {
  clear();
  recording(channels_, "slack").fail();
  raise();
  recording(channels_, "slack").fail(false);
  clear();
  EXPECT_TRUE(slack().empty());
}

TEST_F(DirectAlerts, AreToldOncePerRepeatEvenWhenTheTroubleComesAndGoes) {
  for (int i = 0; i < 5; ++i) {
    raise();
    clear();
  }
  EXPECT_EQ(slack().size(), 2U);  // away, recovered
}

TEST_F(DirectAlerts, AreTriedAgainAfterAMinuteWhenTheChannelFails) {
  recording(channels_, "slack").fail();
  raise();
  recording(channels_, "slack").fail(false);
  now_ += std::chrono::seconds{59};
  raise();
  EXPECT_TRUE(slack().empty());
  now_ += std::chrono::seconds{1};
  raise();
  EXPECT_EQ(slack().size(), 1U);
}

TEST_F(DirectAlerts, TellARecoveryAgainWhenTheChannelFailed) {
  raise();
  recording(channels_, "slack").fail();
  clear();
  recording(channels_, "slack").fail(false);
  now_ += std::chrono::minutes{1};
  clear();
  ASSERT_EQ(slack().size(), 2U);
  EXPECT_EQ(slack()[1].kind, "recovered");
}

TEST_F(DirectAlerts, KeepKindsApart) {
  raise("database_away");
  raise("config_bad");
  EXPECT_EQ(slack().size(), 2U);
}

TEST_F(DirectAlerts, RememberInMemoryWhereTheFileCannotBeKept) {
  DirectAlert direct("/no/such/directory", logger_, [this] { return now_; });
  direct.raise(config_, channels_, "database_away", "gone");
  direct.raise(config_, channels_, "database_away", "gone");
  EXPECT_EQ(slack().size(), 1U);
  EXPECT_TRUE(logger_.contains(logging::Level::k_error, "cannot remember"));
}

TEST_F(DirectAlerts, AreToldWhenTheFileIsBroken) {
  test::write_file(directory_ / "direct-alerts.json", "{broken");
  raise();
  raise();
  EXPECT_EQ(slack().size(), 1U);
}

}  // namespace
}  // namespace evd::alert
