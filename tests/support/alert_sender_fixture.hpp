// A sender with a real outbox, three channels that record what they are sent, and owners.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/alert/pg_outbox.hpp"
#include "common/alert/sender.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/alert_fakes.hpp"
#include "tests/support/evd_schema.hpp"

namespace evd::alert {

class AlertSenderTest : public testing::Test {
 protected:
  AlertSenderTest() {
    test::add_channel(config_, "slack");
    test::add_channel(config_, "hook");
    test::add_channel(config_, "spare");
    config_.owners["growth"] = {"growth", {"slack"}};
    config_.owners["ops"] = {"ops", {"slack", "hook"}};
    config_.owners["default"] = {"default", {"spare"}};
    use_recording_channels();
  }

  void use_recording_channels() { channels_ = test::recording_channels(config_); }

  // A sender of its own each time, as of another process.
  int send(const SendOptions& options = {}) {
    return Sender(outbox_, channels_, logger_, clock_).send_due(config_, options);
  }

  // Alerts about the events from `first` to `last` and the handler lottery.
  void raise(const std::string& kind, int first, int last, const std::string& owner = "growth") {
    connection_.query(
        "insert into evd.alert (kind, event_name, event_id, handler, owner, attempts, error) "
        "select $1, 'purchased', i, 'lottery', $2, 10, 'boom ' || i from generate_series($3::int, "
        "$4::int) i",
        pg::params(kind, owner, first, last));
  }

  // As if so much time had passed since everything that is stored.
  void pass(const std::string& time) {
    connection_.query(
        "update evd.alert_group set next_at = next_at - $1::interval, "
        "leased_until = leased_until - $1::interval, sent_at = sent_at - $1::interval, "
        "refreshed_at = refreshed_at - $1::interval, "
        "acked_until = acked_until - $1::interval",
        pg::params(time));
    connection_.query("update evd.alert_channel set next_at = next_at - $1::interval",
                      pg::params(time));
    connection_.query("update evd.trouble set since = since - $1::interval", pg::params(time));
  }

  std::vector<Alert> sent(std::string_view channel) {
    return test::recording(channels_, channel).sent();
  }
  std::vector<std::string> kinds(std::string_view channel) {
    std::vector<std::string> result;
    for (const auto& alert : sent(channel)) result.push_back(alert.kind);
    return result;
  }

  using Kinds = std::vector<std::string>;

  test::EvdDatabase database_;
  pg::Connection connection_ = database_.connect();
  PgOutbox outbox_{connection_};
  logging::RecordingLogger logger_;
  SteadyClock clock_;
  Config config_;
  Channels channels_;
};

}  // namespace evd::alert
