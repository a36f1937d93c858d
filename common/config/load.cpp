#include "common/config/load.hpp"

#include <algorithm>
#include <cstdlib>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/config/sections.hpp"

namespace evd {
namespace config {
namespace {

constexpr std::string_view k_name_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

void check_name(const Context& context, const toml::key& key, bool may_have_dots) {
  const std::string name(key.str());
  const auto allowed = k_name_characters.substr(0, may_have_dots ? 65 : 64);
  if (!name.empty() && name.size() <= 63 && name.find_first_not_of(allowed) == std::string::npos)
    return;
  context.fail(key.source(), "\"" + name + "\" in [" + context.section +
                                 "] is not a name: 1 to 63 letters, digits, \"_\", \"-\"" +
                                 (may_have_dots ? ", \".\"" : ""));
}

EventConfig new_event(const Config& config) {
  EventConfig event;
  event.deadline = config.defaults.deadline;
  event.max_args = config.defaults.max_args;
  return event;
}

HandlerConfig new_handler(const Config& config) {
  HandlerConfig handler;
  handler.timeout = config.defaults.timeout;
  handler.max_attempts = config.defaults.max_attempts;
  handler.alert_after = config.defaults.alert_after;
  handler.retry = config.defaults.retry;
  handler.backoff = config.defaults.backoff;
  return handler;
}

template <typename T>
T new_value(const Config& /*config*/) {
  return {};
}

template <typename T>
void no_finish(const Context& /*context*/, const toml::table& /*table*/, T& /*value*/) {}

// A section that is one table: [daemon].
template <auto Member, auto Rows, auto Finish>
constexpr Row<Config> section(std::string_view key) {
  return {key,
          [](const Entry& entry, Config& config) {
            const Context below = entry.context.below(entry.key);
            read_table(below, table_value(entry), Rows(), config.*Member);
            Finish(below, table_value(entry), config.*Member);
          },
          [](const std::string& prefix, std::vector<std::string>& keys) {
            list_keys(prefix, Rows(), keys);
          }};
}

// A section of named tables: [handlers.NAME].
template <auto Member, auto Rows, auto New, auto Finish, bool MayHaveDots = false>
constexpr Row<Config> named(std::string_view key) {
  return {key,
          [](const Entry& entry, Config& config) {
            const Context below = entry.context.below(entry.key);
            for (const auto& [name, node] : table_value(entry)) {
              check_name(below, name, MayHaveDots);
              const toml::table& table = table_value({below, name.str(), node});
              auto item = New(config);
              item.name = std::string(name.str());
              read_table(below.below(name.str()), table, Rows(), item);
              Finish(below.below(name.str()), table, item);
              (config.*Member).emplace(item.name, std::move(item));
            }
          },
          [](const std::string& prefix, std::vector<std::string>& keys) {
            list_keys(prefix + "*.", Rows(), keys);
          }};
}

// In reading order: defaults before what they are merged into.
constexpr Row<Config> k_root_rows[] = {
    section<&Config::database, database_rows, no_finish<DatabaseConfig>>("database"),
    section<&Config::daemon, daemon_rows, finish_daemon>("daemon"),
    section<&Config::recovery, recovery_rows, no_finish<RecoveryConfig>>("recovery"),
    section<&Config::defaults, defaults_rows, no_finish<DefaultsConfig>>("defaults"),
    named<&Config::events, event_rows, new_event, no_finish<EventConfig>, true>("events"),
    named<&Config::handlers, handler_rows, new_handler, finish_handler>("handlers"),
    named<&Config::owners, owner_rows, new_value<OwnerConfig>, no_finish<OwnerConfig>>("owners"),
    named<&Config::channels, channel_rows, new_value<ChannelConfig>, finish_channel>("alerts"),
};

toml::table parse_toml(const Context& context, std::string_view text) {
  try {
    return toml::parse(text, context.path);
  } catch (const toml::parse_error& error) {
    std::string description(error.description());
    std::replace(description.begin(), description.end(), '\n', ' ');
    context.fail(error.source(), description);
  }
}

}  // namespace
}  // namespace config

std::string find_config_path(const std::optional<std::string>& flag) {
  if (flag) return *flag;
  const char* variable = std::getenv("EVD_CONFIG");
  return variable != nullptr && *variable != '\0' ? variable : "/etc/evd/evd.toml";
}

Config load_config(const std::string& path) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const Error& error) {
    throw ConfigError(error.what());
  }
  return parse_config(text, path);
}

Config parse_config(std::string_view text, const std::string& path) {
  const config::Context context{path, ""};
  const toml::table root = config::parse_toml(context, text);
  Config result;
  result.path = path;
  result.text = std::string(text);
  config::read_table(context, root, std::span<const config::Row<Config>>(config::k_root_rows),
                     result);
  config::check_references(context, root, result);
  return result;
}

Config default_config() { return {}; }

void override_database(Config& config, const std::optional<std::string>& flag) {
  const char* variable = std::getenv("EVD_DATABASE_URL");
  if (flag)
    config.database.url = *flag;
  else if (variable != nullptr && *variable != '\0')
    config.database.url = variable;
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  config::list_keys("", std::span<const config::Row<Config>>(config::k_root_rows), keys);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace evd
