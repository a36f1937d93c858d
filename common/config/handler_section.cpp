#include <algorithm>

#include "common/config/common_rows.hpp"
#include "common/config/sections.hpp"

namespace evd::config {
namespace {

constexpr std::array<std::string_view, 5> k_kinds = {"sql", "exec", "worker", "http", "plugin"};
constexpr std::array<std::string_view, 2> k_body_formats = {"evd", "cloudevents"};
constexpr auto k_status = [](const Entry& entry) { return integers_value(entry, 300, 599); };

constexpr Row<HttpTarget> k_http_rows[] = {
    text<&HttpTarget::url>("url"),
    text_file<&HttpTarget::url>("url_file"),
    value<&HttpTarget::secrets, text_or_texts_value>("secret"),
    value<&HttpTarget::secrets, file_or_files_value>("secret_file"),
    choice<&HttpTarget::format, k_body_formats>("format"),
    value<&HttpTarget::permanent_status, k_status>("permanent_status"),
};

constexpr Row<HandlerConfig> k_handler_rows[] = {
    text<&HandlerConfig::sql>("sql"),
    texts<&HandlerConfig::command>("exec"),
    texts<&HandlerConfig::command>("worker"),
    nested<&HandlerConfig::http, k_http_rows>("http"),
    text<&HandlerConfig::plugin>("plugin"),
    integer<&HandlerConfig::batch, 1, 100'000>("batch"),
    duration<&HandlerConfig::timeout>("timeout"),
    integer<&HandlerConfig::max_attempts>("max_attempts"),
    integer<&HandlerConfig::alert_after>("alert_after"),
    choice<&HandlerConfig::retry, k_retry_words>("retry"),
    nested<&HandlerConfig::backoff, k_backoff_rows>("backoff"),
    integer<&HandlerConfig::concurrency, 1, 10'000>("concurrency"),
    integer<&HandlerConfig::processes, 1, 1'000>("processes"),
    value<&HandlerConfig::env, text_map_value>("env"),
    text<&HandlerConfig::cwd>("cwd"),
    text<&HandlerConfig::runbook>("runbook"),
    text<&HandlerConfig::owner>("owner"),
};

// Whether the kind's own value says something: an empty command would fail at each event.
bool is_complete(const HandlerConfig& handler) {
  switch (handler.kind) {
    case HandlerKind::k_sql:
      return !handler.sql.empty();
    case HandlerKind::k_exec:
    case HandlerKind::k_worker:
      return !handler.command.empty() && !handler.command.front().empty();
    case HandlerKind::k_http:
      return handler.http.url.starts_with("http://") || handler.http.url.starts_with("https://");
    case HandlerKind::k_plugin:
      return !handler.plugin.empty();
  }
  return false;
}

}  // namespace

std::span<const Row<HandlerConfig>> handler_rows() { return k_handler_rows; }

std::size_t only_kind(const Context& context, const toml::table& table,
                      std::span<const std::string_view> kinds) {
  std::vector<std::string> found;
  for (const std::string_view kind : kinds) {
    if (table.contains(kind)) found.emplace_back(kind);
  }
  if (found.size() > 1)
    context.fail(table.source(), "[" + context.section + "] has " + join(found, " and ") +
                                     "; it must have one of them");
  if (found.empty())
    context.fail(table.source(),
                 "[" + context.section + "] must have one of " +
                     join(std::vector<std::string>(kinds.begin(), kinds.end()), ", "));
  return static_cast<std::size_t>(std::find(kinds.begin(), kinds.end(), found[0]) - kinds.begin());
}

void finish_handler(const Context& context, const toml::table& table, HandlerConfig& handler) {
  const std::size_t kind = only_kind(context, table, k_kinds);
  handler.kind = static_cast<HandlerKind>(kind);
  const Entry entry{context, k_kinds[kind], *table.get(k_kinds[kind])};
  if (!is_complete(handler))
    entry.fail(handler.kind == HandlerKind::k_http ? "needs an http:// or https:// url"
                                                   : "must not be empty");
  // Batches of one handler beside each other would wait for the same rows of the users.
  if (handler.kind == HandlerKind::k_sql && !table.contains("concurrency")) handler.concurrency = 1;
  if (handler.kind == HandlerKind::k_plugin && !table.contains("batch")) handler.batch = 1000;
  // Waiting for an answer costs next to nothing.
  if (handler.kind == HandlerKind::k_http && !table.contains("concurrency"))
    handler.concurrency = 16;
}

}  // namespace evd::config
