// list: events, newest first.
#include <memory>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

struct ListFlags {
  Filter filter;
  std::int64_t limit = 50;
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

}  // namespace

Action declare_list(CLI::App& command) {
  auto flags = std::make_shared<ListFlags>();
  add_filter_options(command, flags->filter);
  command.add_option("--limit", flags->limit, "At most so many; 50 without it")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  return [flags](Context& context) {
    return context.json() ? list_json(context, *flags) : list_table(context, *flags);
  };
}

}  // namespace evd::evctl
