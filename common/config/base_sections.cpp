#include <algorithm>
#include <charconv>

#include "common/config/common_rows.hpp"
#include "common/config/sections.hpp"

namespace evd::config {
namespace {

constexpr std::array<std::string_view, 3> k_roles = {"emitter", "reader", "operator"};
constexpr std::array<std::string_view, 4> k_levels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> k_formats = {"text", "json"};
constexpr std::array<std::string_view, 3> k_reliabilities = {"tracked", "alert", "best_effort"};

template <const auto& Words>
constexpr auto k_word =
    [](const Entry& entry) { return std::string(Words[choice_value(entry, Words)]); };

constexpr Row<DatabaseConfig> k_database_rows[] = {
    text<&DatabaseConfig::url>("url"),
    text_file<&DatabaseConfig::url>("url_file"),
    text<&DatabaseConfig::instance>("instance"),
    integer<&DatabaseConfig::pool_size, 1, 1000>("pool_size"),
};

constexpr Row<TokenConfig> k_token_rows[] = {
    value<&TokenConfig::role, k_word<k_roles>>("role"),
    text<&TokenConfig::token>("token"),
    text_file<&TokenConfig::token>("file"),
};

void read_tokens(const Entry& entry, DaemonConfig& daemon) {
  const toml::array* array = entry.node.as_array();
  if (array == nullptr) entry.fail("must be a list of tables");
  const Context below = entry.context.below(entry.key);
  for (const toml::node& element : *array) {
    TokenConfig token;
    read_table(below, table_value({entry.context, entry.key, element}),
               std::span<const Row<TokenConfig>>(k_token_rows), token);
    if (token.role.empty() || token.token.empty())
      below.fail(element.source(), "a token needs a role, and a token or file");
    daemon.tokens.push_back(token);
  }
}

void list_tokens(const std::string& prefix, std::vector<std::string>& keys) {
  list_keys(prefix, std::span<const Row<TokenConfig>>(k_token_rows), keys);
}

constexpr Row<DaemonConfig> k_daemon_rows[] = {
    texts<&DaemonConfig::listen>("listen"),
    text<&DaemonConfig::state_dir>("state_dir"),
    {"tokens", read_tokens, list_tokens},
    texts<&DaemonConfig::hosts>("hosts"),
    texts<&DaemonConfig::allowed_hosts>("allowed_hosts"),
    text<&DaemonConfig::tls_cert>("tls_cert"),
    text<&DaemonConfig::tls_key>("tls_key"),
    flag<&DaemonConfig::behind_proxy>("behind_proxy"),
    integer<&DaemonConfig::batch_size, 1, 100'000>("batch_size"),
    duration<&DaemonConfig::spill_after>("spill_after"),
    duration<&DaemonConfig::stop_timeout, true>("stop_timeout"),
    size<&DaemonConfig::spool_max>("spool_max"),
    value<&DaemonConfig::log_level, k_word<k_levels>>("log_level"),
    value<&DaemonConfig::log_format, k_word<k_formats>>("log_format"),
    flag<&DaemonConfig::apply_at_start>("apply_at_start"),
};

constexpr Row<RecoveryConfig> k_recovery_rows[] = {
    duration<&RecoveryConfig::every>("every"),
    duration<&RecoveryConfig::node_timeout>("node_timeout"),
    duration<&RecoveryConfig::max_runtime>("max_runtime"),
    duration<&RecoveryConfig::retention>("retention"),
    duration<&RecoveryConfig::dedup_retention>("dedup_retention"),
    duration<&RecoveryConfig::escalate_after>("escalate_after"),
    text<&RecoveryConfig::heartbeat_url>("heartbeat_url"),
    text_file<&RecoveryConfig::heartbeat_url>("heartbeat_url_file"),
};

constexpr Row<DefaultsConfig> k_defaults_rows[] = {
    duration<&DefaultsConfig::timeout>("timeout"),
    duration<&DefaultsConfig::deadline>("deadline"),
    integer<&DefaultsConfig::max_attempts>("max_attempts"),
    integer<&DefaultsConfig::alert_after>("alert_after"),
    choice<&DefaultsConfig::retry, k_retry_words>("retry"),
    nested<&DefaultsConfig::backoff, k_backoff_rows>("backoff"),
    size<&DefaultsConfig::max_args>("max_args"),
};

constexpr Row<EventConfig> k_event_rows[] = {
    texts<&EventConfig::handlers>("handlers"),
    text<&EventConfig::owner>("owner"),
    duration<&EventConfig::deadline>("deadline"),
    choice<&EventConfig::reliability, k_reliabilities>("reliability"),
    flag<&EventConfig::alert_timeout>("alert_timeout"),
    size<&EventConfig::max_args>("max_args"),
};

constexpr Row<OwnerConfig> k_owner_rows[] = {texts<&OwnerConfig::alerts>("alerts")};

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

// "unix:/path", or a host and a port.
void check_address(const Entry& entry, const std::string& address, const DaemonConfig& daemon) {
  if (address.starts_with("unix:/")) return;
  const std::size_t colon = address.rfind(':');
  const std::string_view port =
      std::string_view(address).substr(colon == std::string::npos ? address.size() : colon + 1);
  int number = -1;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool is_port =
      error == std::errc() && end == port.data() + port.size() && number >= 0 && number <= 65535;
  if (!is_port || colon == 0)
    entry.fail(
        "must hold addresses such as \"unix:/run/evd/evd.sock\" or \"127.0.0.1:8484\", "
        "not \"" +
        address + "\"");
  if (!is_loopback(address.substr(0, colon)) && daemon.tls_cert.empty() && !daemon.behind_proxy)
    entry.fail(": \"" + address +
               "\" is not a loopback address: give tls_cert and tls_key, or behind_proxy = true");
}

}  // namespace

std::span<const Row<DatabaseConfig>> database_rows() { return k_database_rows; }
std::span<const Row<DaemonConfig>> daemon_rows() { return k_daemon_rows; }
std::span<const Row<RecoveryConfig>> recovery_rows() { return k_recovery_rows; }
std::span<const Row<DefaultsConfig>> defaults_rows() { return k_defaults_rows; }
std::span<const Row<EventConfig>> event_rows() { return k_event_rows; }
std::span<const Row<OwnerConfig>> owner_rows() { return k_owner_rows; }

void finish_daemon(const Context& context, const toml::table& table, DaemonConfig& daemon) {
  if (daemon.tls_cert.empty() != daemon.tls_key.empty())
    context.fail(table.source(), "[daemon] needs both tls_cert and tls_key, or neither");
  const toml::node* listen = table.get("listen");
  if (listen == nullptr) return;
  for (const std::string& address : daemon.listen)
    check_address({context, "listen", *listen}, address, daemon);
}

}  // namespace evd::config
