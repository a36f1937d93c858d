#include "cli/evctl/filter.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/duration.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

constexpr std::array<std::string_view, 4> k_states = {"emitted", "timeout", "processed",
                                                      "escalated"};
constexpr int k_escalated = 3;

std::string placeholder(const pg::Params& params) { return "$" + std::to_string(params.size()); }

std::string text_param(std::string_view value, pg::Params& params) {
  params.add(value);
  return placeholder(params) + "::text";
}

// The statement's time and not the clock's: the planner may then leave out older partitions.
std::string time_from_now(std::string_view text, char sign, pg::Params& params) {
  const auto duration = parse_duration(text);
  if (!duration) {
    params.add(text);
    return placeholder(params) + "::timestamptz";
  }
  params.add(std::to_string(duration->count()) + " milliseconds");
  return std::string("statement_timestamp() ") + sign + " " + placeholder(params) + "::interval";
}

// Rows of pairs know when their event was written, so that one partition is read instead of all.
std::string among_deliveries(const std::string& states, const Filter& filter, pg::Params& params) {
  std::string sql =
      "(e.id, e.created_at) in (select d.event_id, d.event_created_at from evd.deliveries d"
      " where d.state in (" +
      states + ")";
  if (!filter.handler.empty()) sql += " and d.handler = " + text_param(filter.handler, params);
  if (!filter.like.empty()) {
    params.add(parse_event_id(filter.like));
    sql +=
        " and (d.handler, evd.error_fingerprint(d.last_error)) in"
        " (select l.handler, evd.error_fingerprint(l.last_error) from evd.deliveries l"
        " where l.state in ('waiting', 'escalated') and l.event_id = " +
        placeholder(params) + ")";
  }
  return sql + ")";
}

}  // namespace

bool Filter::is_empty() const {
  return status.empty() && event.empty() && handler.empty() && owner.empty() && since.empty() &&
         like.empty();
}

void add_filter_options(CLI::App& command, Filter& filter) {
  command
      .add_option("--status", filter.status, "emitted, timeout, processed, escalated, or 0 to 3")
      ->type_name("S");
  command.add_option("--event", filter.event, "Events of this name")->type_name("E");
  command.add_option("--handler", filter.handler, "Events that expect this handler")
      ->type_name("H");
  command.add_option("--owner", filter.owner, "Events of this owner")->type_name("O");
  command.add_option("--since", filter.since, "Written since: 2h, or a time")->type_name("T");
}

int parse_status(std::string_view text) {
  const auto* const found = std::find(k_states.begin(), k_states.end(), text);
  if (found != k_states.end()) return static_cast<int>(found - k_states.begin());
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '3') return text[0] - '0';
  const std::vector<std::string> words(k_states.begin(), k_states.end());
  throw ConfigError("--status: not a status: \"" + std::string(text) + "\"" +
                    suggestion(text, words) + " (0 to 3, or " + join(words, ", ") + ")");
}

std::string time_ago(std::string_view text, pg::Params& params) {
  return time_from_now(text, '-', params);
}

std::string time_ahead(std::string_view text, pg::Params& params) {
  return time_from_now(text, '+', params);
}

std::string where_clause(const Filter& filter, Scope scope, pg::Params& params) {
  std::vector<std::string> conditions;
  const std::optional<int> status =
      filter.status.empty() ? std::nullopt : std::optional(parse_status(filter.status));
  if (status) conditions.push_back("e.status = " + std::to_string(*status));
  if (scope == Scope::k_missing && !status) conditions.emplace_back("e.status <> 2");
  if (status == k_escalated && !(filter.handler.empty() && filter.like.empty())) {
    conditions.push_back(among_deliveries("'escalated'", filter, params));
  } else if (scope == Scope::k_missing || !filter.like.empty()) {
    conditions.push_back(among_deliveries("'waiting', 'escalated'", filter, params));
  } else if (!filter.handler.empty()) {
    conditions.push_back(text_param(filter.handler, params) + " = any (e.expected)");
  }
  if (!filter.event.empty()) {
    conditions.push_back("e.event_name = " + text_param(filter.event, params));
  }
  if (!filter.owner.empty()) {
    conditions.push_back("e.owner = " + text_param(filter.owner, params));
  }
  if (!filter.since.empty()) {
    conditions.push_back("e.created_at >= " + time_ago(filter.since, params));
  }
  return conditions.empty() ? "" : "where " + join(conditions, " and ");
}

std::optional<std::string> if_any(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::int64_t parse_event_id(std::string_view text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id <= 0) {
    throw ConfigError("not an event's id: \"" + std::string(text) + "\"");
  }
  return id;
}

std::vector<std::int64_t> parse_event_ids(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> ids;
  for (const auto& text : texts) {
    const std::int64_t id = parse_event_id(text);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace evd::evctl
