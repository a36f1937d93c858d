// list: events, newest first; or failures by cause.
#include <memory>
#include <optional>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

constexpr int k_escalated = 3;

struct ListFlags {
  Filter filter;
  std::int64_t limit = 50;
  std::string group_by;
};

// "Newest" is by position in the log, not by id.
std::string select(const std::string& columns, const ListFlags& flags, pg::Params& params) {
  const std::string where = where_clause(flags.filter, Scope::k_all, params);
  params.add(flags.limit);
  return "select " + columns + " from evd.events e " + where +
         " order by e.xid desc, e.id desc limit $" + std::to_string(params.size());
}

ExitCode list_json(Context& context, const ListFlags& flags) {
  pg::Params params;
  const std::string inner = select("e.id, e.xid", flags, params);
  pg::Connection connection = context.connect();
  const auto result = connection.query(
      "select evd.show(l.id)::text from (" + inner + ") l order by l.xid desc, l.id desc", params);
  for (int row = 0; row < result.rows(); ++row) {
    // Null: retention took it while it was being listed.
    if (!result.is_null(row, 0)) context.out().line(result.text(row, 0));
  }
  return ExitCode::k_ok;
}

ExitCode list_table(Context& context, const ListFlags& flags) {
  pg::Params params;
  const std::string sql = select(
      "e.id, e.event_name, evd.iso_time(e.created_at), e.state,"
      " cardinality(e.done) || '/' || cardinality(e.expected),"
      " array_to_string(array(select x from unnest(e.expected) x"
      " where x <> all (e.done || e.resolved)), ', '), e.args::text",
      flags, params);
  pg::Connection connection = context.connect();
  const auto result = connection.query(sql, params);
  Table table({{"ID", ColumnKind::k_number},
               {"EVENT"},
               {"CREATED"},
               {"STATE"},
               {"DONE", ColumnKind::k_number},
               {"MISSING", ColumnKind::k_wide},
               {"ARGS", ColumnKind::k_wide}});
  for (int row = 0; row < result.rows(); ++row) {
    table.add({result.string(row, 0), result.string(row, 1), short_time(result.text(row, 2)),
               Cell(result.text(row, 3), tone_of(result.text(row, 3))), result.string(row, 4),
               result.string(row, 5), result.string(row, 6)});
  }
  context.out().add(table.render(context.out().style()));
  return ExitCode::k_ok;
}

// Which pairs have failed, in words of a pair's state rather than of an event's status.
std::optional<std::string> failed_state(const std::string& status) {
  if (status.empty()) return std::nullopt;
  if (parse_status(status) != k_escalated)
    throw ConfigError("--group-by error goes with --status escalated, or none: all that failed");
  return "escalated";
}

pg::Result failures(Context& context, const ListFlags& flags) {
  const Filter& filter = flags.filter;
  pg::Params params = pg::params(if_any(filter.event), if_any(filter.handler), flags.limit,
                                 failed_state(filter.status), if_any(filter.owner));
  const std::string since =
      filter.since.empty() ? "null::timestamptz" : time_ago(filter.since, params);
  pg::Connection connection = context.connect();
  return connection.query(
      "select pairs, error, event_name, handler, state, evd.iso_time(first_at),"
      " evd.iso_time(last_at), example from evd.failures($1, $2, $3::integer, $4, $5, " +
          since + ")",
      params);
}

ExitCode list_causes(Context& context, const ListFlags& flags) {
  const pg::Result result = failures(context, flags);
  Table table({{"PAIRS", ColumnKind::k_number},
               {"ERROR", ColumnKind::k_wide},
               {"EVENT"},
               {"HANDLER"},
               {"STATE"},
               {"LAST"},
               {"EXAMPLE", ColumnKind::k_number}});
  for (int row = 0; row < result.rows(); ++row) {
    const auto text = [&](int column) { return result.optional_string(row, column).value_or(""); };
    if (context.json()) {
      Json cause{{"pairs", result.int64(row, 0)},
                 {"error", text(1)},
                 {"event_name", text(2)},
                 {"handler", text(3)},
                 {"state", text(4)},
                 {"first_at", text(5)},
                 {"last_at", nullptr},
                 {"example", result.int64(row, 7)}};
      if (!result.is_null(row, 6)) cause["last_at"] = text(6);
      context.out().line(cause.dump());
    } else {
      table.add({text(0) + " ×", text(1), text(2), text(3), Cell(text(4), tone_of(text(4))),
                 short_time(text(6)), text(7)});
    }
  }
  if (!context.json()) context.out().add(table.render(context.out().style()));
  return ExitCode::k_ok;
}

ExitCode list(Context& context, const ListFlags& flags) {
  if (!flags.group_by.empty()) return list_causes(context, flags);
  return context.json() ? list_json(context, flags) : list_table(context, flags);
}

}  // namespace

Action declare_list(CLI::App& command) {
  auto flags = std::make_shared<ListFlags>();
  add_filter_options(command, flags->filter);
  command.add_option("--limit", flags->limit, "At most so many; 50 without it")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  command
      .add_option("--group-by", flags->group_by,
                  "error: failures by cause, the most frequent first")
      ->type_name("WHAT")
      ->check(CLI::IsMember({"error"}));
  return [flags](Context& context) { return list(context, *flags); };
}

}  // namespace evd::evctl
