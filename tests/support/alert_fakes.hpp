// Channels and a clock for tests of alerts: what was sent is kept, failures are asked for.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/alert/channel.hpp"

namespace evd::test {

class RecordingChannel : public alert::Channel {
 public:
  explicit RecordingChannel(std::string name) : name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  std::optional<std::string> send(const alert::Alert& alert) override {
    const std::lock_guard lock(mutex_);
    if (fails_) return "refused";
    sent_.push_back(alert);
    return std::nullopt;
  }

  void fail(bool fails = true) {
    const std::lock_guard lock(mutex_);
    fails_ = fails;
  }
  std::vector<alert::Alert> sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
  }

 private:
  std::string name_;
  mutable std::mutex mutex_;  // guards fails_ and sent_
  bool fails_ = false;
  std::vector<alert::Alert> sent_;
};

// The channels that a configuration names and the log, all recording.
inline alert::Channels recording_channels(const Config& config) {
  alert::Channels channels;
  for (const auto& [name, channel] : config.channels) {
    channels.emplace(name, std::make_unique<RecordingChannel>(name));
  }
  const std::string log(alert::k_log_channel);
  channels.emplace(log, std::make_unique<RecordingChannel>(log));
  return channels;
}

inline RecordingChannel& recording(alert::Channels& channels, std::string_view name) {
  return dynamic_cast<RecordingChannel&>(*channels.find(name)->second);
}

// A channel of a configuration that sends at once.
inline void add_channel(Config& config, const std::string& name,
                        std::vector<std::string> kinds = {"*"}) {
  ChannelConfig channel;
  channel.name = name;
  channel.kinds = std::move(kinds);
  channel.group_wait = Milliseconds{0};
  config.channels[name] = channel;
}

}  // namespace evd::test
