#include <algorithm>

#include "common/config/sections.hpp"

namespace evd::config {
namespace {

constexpr std::array<std::string_view, 6> k_kinds = {"slack",        "webhook",       "exec",
                                                     "alertmanager", "elasticsearch", "email"};

constexpr Row<ChannelTarget> k_url_rows[] = {
    text<&ChannelTarget::url>("url"),
    text_file<&ChannelTarget::url>("url_file"),
};

constexpr Row<ChannelTarget> k_webhook_rows[] = {
    text<&ChannelTarget::url>("url"),
    text_file<&ChannelTarget::url>("url_file"),
    value<&ChannelTarget::secrets, text_or_texts_value>("secret"),
    value<&ChannelTarget::secrets, file_or_files_value>("secret_file"),
};

constexpr Row<ChannelTarget> k_elasticsearch_rows[] = {
    text<&ChannelTarget::url>("url"),
    text_file<&ChannelTarget::url>("url_file"),
    text<&ChannelTarget::index>("index"),
};

constexpr Row<ChannelTarget> k_email_rows[] = {
    text<&ChannelTarget::smtp>("smtp"),
    text_file<&ChannelTarget::smtp>("smtp_file"),
    text<&ChannelTarget::username>("username"),
    text<&ChannelTarget::password>("password"),
    text_file<&ChannelTarget::password>("password_file"),
    text<&ChannelTarget::from>("from"),
    texts<&ChannelTarget::to>("to"),
    flag<&ChannelTarget::starttls>("starttls"),
    text<&ChannelTarget::ca_file>("ca_file"),
};

// Like texts, but each is a kind of alert or "*".
std::vector<std::string> read_kinds(const Entry& entry) {
  std::vector<std::string> words(k_alert_kinds.begin(), k_alert_kinds.end());
  words.emplace_back("*");
  std::vector<std::string> kinds = texts_value(entry);
  for (const std::string& kind : kinds) {
    if (std::find(words.begin(), words.end(), kind) == words.end())
      entry.fail("names an unknown kind of alert \"" + kind + "\"" + suggestion(kind, words));
  }
  return kinds;
}

constexpr Row<ChannelConfig> k_channel_rows[] = {
    nested<&ChannelConfig::target, k_url_rows>("slack"),
    nested<&ChannelConfig::target, k_webhook_rows>("webhook"),
    texts<&ChannelConfig::command>("exec"),
    nested<&ChannelConfig::target, k_url_rows>("alertmanager"),
    nested<&ChannelConfig::target, k_elasticsearch_rows>("elasticsearch"),
    nested<&ChannelConfig::target, k_email_rows>("email"),
    duration<&ChannelConfig::group_wait, true>("group_wait"),
    duration<&ChannelConfig::repeat>("repeat"),
    flag<&ChannelConfig::include_args>("include_args"),
    value<&ChannelConfig::kinds, read_kinds>("kinds"),
};

// What the channel still needs, in words; empty when it is complete.
std::string missing(const ChannelConfig& channel) {
  const ChannelTarget& target = channel.target;
  if (channel.kind == ChannelKind::k_exec)
    return channel.command.empty() || channel.command.front().empty() ? "a command" : "";
  if (channel.kind == ChannelKind::k_email) {
    const bool smtp = target.smtp.starts_with("smtp://") || target.smtp.starts_with("smtps://");
    return smtp && !target.from.empty() && !target.to.empty()
               ? ""
               : "smtp = \"smtp://HOST:PORT\", from and to";
  }
  const bool http = target.url.starts_with("http://") || target.url.starts_with("https://");
  return http ? "" : "an http:// or https:// url";
}

}  // namespace

std::span<const Row<ChannelConfig>> channel_rows() { return k_channel_rows; }

void finish_channel(const Context& context, const toml::table& table, ChannelConfig& channel) {
  const std::size_t kind = only_kind(context, table, k_kinds);
  channel.kind = static_cast<ChannelKind>(kind);
  const Entry entry{context, k_kinds[kind], *table.get(k_kinds[kind])};
  const std::string lacking = missing(channel);
  if (!lacking.empty()) entry.fail("needs " + lacking);
}

}  // namespace evd::config
