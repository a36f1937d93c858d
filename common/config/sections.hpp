// The rows of each section of the file. Internal to the loader.
#pragma once

#include <span>

#include "common/config/config.hpp"
#include "common/config/rows.hpp"

namespace evd::config {

std::span<const Row<DatabaseConfig>> database_rows();
std::span<const Row<DaemonConfig>> daemon_rows();
std::span<const Row<RecoveryConfig>> recovery_rows();
std::span<const Row<DefaultsConfig>> defaults_rows();
std::span<const Row<EventConfig>> event_rows();
std::span<const Row<HandlerConfig>> handler_rows();
std::span<const Row<OwnerConfig>> owner_rows();
std::span<const Row<ChannelConfig>> channel_rows();

// What rows cannot say: the kind, values that need each other, addresses.
void finish_daemon(const Context& context, const toml::table& table, DaemonConfig& daemon);
void finish_handler(const Context& context, const toml::table& table, HandlerConfig& handler);
void finish_channel(const Context& context, const toml::table& table, ChannelConfig& channel);

// Which of the kinds the table has; none or two are an error.
std::size_t only_kind(const Context& context, const toml::table& table,
                      std::span<const std::string_view> kinds);

// Every name that the file uses is defined in it.
void check_references(const Context& context, const toml::table& root, const Config& config);

}  // namespace evd::config
