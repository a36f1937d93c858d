#include "cli/evctl/selection.hpp"

#include "cli/evctl/alerts.hpp"
#include "cli/evctl/confirm.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

std::optional<std::int64_t> alert_of(const Selection& selection) {
  return selection.ids.size() == 1 ? parse_alert_id(selection.ids.front()) : std::nullopt;
}

Selected events_of_alert(pg::Connection& connection, std::int64_t alert) {
  const auto result =
      connection.query("select event_id, handler from evd.alert_events($1)", pg::params(alert));
  if (result.empty())
    throw Error("A" + std::to_string(alert) + " tells of nothing that is unresolved");
  Selected selected;
  for (int row = 0; row < result.rows(); ++row) selected.ids.push_back(result.int64(row, 0));
  selected.handler = result.string(0, 1);
  return selected;
}

// The handler that the others are to have failed on, too.
std::string handler_of(pg::Connection& connection, const Filter& filter) {
  const auto result = connection.query(
      "select d.handler from evd.deliveries d where d.event_id = $1 and d.last_error is not null"
      " and d.state in ('waiting', 'escalated') and coalesce(d.handler = $2, true) order by 1",
      pg::params(parse_event_id(filter.like), if_any(filter.handler)));
  if (result.empty()) {
    throw Error("event " + filter.like + " has nothing that failed and is unresolved" +
                (filter.handler.empty() ? "" : " for handler \"" + filter.handler + "\""));
  }
  if (result.rows() == 1) return result.string(0, 0);
  std::vector<std::string> names;
  for (int row = 0; row < result.rows(); ++row) names.push_back(result.string(row, 0));
  throw ConfigError("event " + filter.like + " failed on " + join(names, ", ") +
                    ": say which with --handler");
}

}  // namespace

void add_selection_options(CLI::App& command, Selection& selection) {
  command.add_option("ID", selection.ids, "Events, or an alert, like A17; or a filter instead");
  add_filter_options(command, selection.filter);
  command
      .add_option("--like", selection.filter.like,
                  "What failed with the same error as this event, on the same handler")
      ->type_name("ID");
  command.add_flag("--dry-run", selection.dry_run, "Only say what would be done");
  command.add_flag("--yes", selection.yes, "Do not ask");
}

void check_selection(const Selection& selection, const std::string& verb) {
  Filter beside_ids = selection.filter;
  beside_ids.handler.clear();
  if (selection.is_filter() && selection.filter.is_empty())
    throw ConfigError(verb + " what? Give ids, or a filter such as --status escalated");
  if (!selection.is_filter() && !beside_ids.is_empty())
    throw ConfigError("give ids or a filter, not both (--handler goes with either)");
  if (!alert_of(selection)) parse_event_ids(selection.ids);
  if (!selection.filter.like.empty()) parse_event_id(selection.filter.like);
}

Selected select_events(pg::Connection& connection, const Selection& selection, Scope scope) {
  Selected selected;
  Filter filter = selection.filter;
  if (const auto alert = alert_of(selection)) {
    selected = events_of_alert(connection, *alert);
  } else if (!selection.is_filter()) {
    selected.ids = parse_event_ids(selection.ids);
  } else {
    if (!filter.like.empty()) filter.handler = handler_of(connection, filter);
    pg::Params params;
    const std::string where = where_clause(filter, scope, params);
    const auto result = connection.query(
        "select e.id from evd.events e " + where + " order by e.xid, e.id", params);
    for (int row = 0; row < result.rows(); ++row) selected.ids.push_back(result.int64(row, 0));
  }
  if (!filter.handler.empty()) selected.handler = filter.handler;
  return selected;
}

bool is_confirmed(const Selection& selection, const std::string& verb, std::size_t events) {
  if (!selection.is_filter() || selection.yes || selection.dry_run || events == 0) return true;
  const std::string what = std::to_string(events) + (events == 1 ? " event" : " events");
  return confirm(verb + " " + what + "?",
                 "the filter means " + what + ": add --yes to " + verb + " them");
}

}  // namespace evd::evctl
