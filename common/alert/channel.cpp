#include "common/alert/channel.hpp"

#include <array>

#include "common/alert/alertmanager_channel.hpp"
#include "common/alert/elasticsearch_channel.hpp"
#include "common/alert/email_channel.hpp"
#include "common/alert/exec_channel.hpp"
#include "common/alert/log_channel.hpp"
#include "common/alert/slack_channel.hpp"
#include "common/alert/webhook_channel.hpp"

namespace evd::alert {
namespace {

template <typename T>
std::unique_ptr<Channel> make(const ChannelConfig& config) {
  return std::make_unique<T>(config);
}

struct Row {
  ChannelKind kind;
  std::unique_ptr<Channel> (*create)(const ChannelConfig&);
};

constexpr std::array k_channels = {
    Row{ChannelKind::k_slack, make<SlackChannel>},
    Row{ChannelKind::k_webhook, make<WebhookChannel>},
    Row{ChannelKind::k_exec, make<ExecChannel>},
    Row{ChannelKind::k_alertmanager, make<AlertmanagerChannel>},
    Row{ChannelKind::k_elasticsearch, make<ElasticsearchChannel>},
    Row{ChannelKind::k_email, make<EmailChannel>},
};

std::unique_ptr<Channel> make_channel(const ChannelConfig& config, logging::Logger& logger) {
  for (const auto& row : k_channels) {
    if (row.kind == config.kind) return row.create(config);
  }
  logger.warn("this kind of alert channel is not supported; its alerts go to the log",
              {{"channel", config.name}, {"kind", to_string(config.kind)}});
  return std::make_unique<LogChannel>(config.name, logger);
}

}  // namespace

Channels make_channels(const Config& config, logging::Logger& logger) {
  Channels channels;
  for (const auto& [name, channel] : config.channels) {
    channels.emplace(name, make_channel(channel, logger));
  }
  const std::string log_name(k_log_channel);
  channels.emplace(log_name, std::make_unique<LogChannel>(log_name, logger));
  return channels;
}

}  // namespace evd::alert
