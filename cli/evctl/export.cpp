// export: the events of a time, in the form that emit --file takes. They come by a cursor, so that
// neither side holds more than a page of them, however many there are.
#include <algorithm>
#include <memory>
#include <string>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

constexpr std::size_t k_page = 1'000;
constexpr std::size_t k_page_bytes = 4'194'304;  // aimed at

struct ExportFlags {
  std::string since;
  std::string until;
  std::string event;
};

// A cursor's statement is planned with its parameters, so that partitions outside the time are not
// opened.
void open_cursor(pg::Connection& connection, const ExportFlags& flags) {
  pg::Params params;
  const std::string since = time_ago(flags.since, params);
  const std::string until =
      flags.until.empty() ? "null::timestamptz" : time_ago(flags.until, params);
  std::string event = "null";
  if (!flags.event.empty()) {
    params.add(flags.event);
    event = "$" + std::to_string(params.size());
  }
  connection.query(
      "declare exported no scroll cursor for select evd.event_line(h, r.event_name)"
      " from evd.history(" +
          since + ", " + until + ", " + event +
          ") h join evd.route r on r.id = h.route_id order by h.xid, h.id",
      params);
}

// Large events come by the few: how many, the last page tells.
std::size_t next_page(std::size_t rows, std::size_t bytes) {
  return std::clamp(k_page_bytes * rows / std::max<std::size_t>(bytes, 1), std::size_t{1}, k_page);
}

ExitCode export_events(Context& context, const ExportFlags& flags) {
  pg::Connection connection = context.connect();
  pg::Transaction transaction(connection);
  open_cursor(connection, flags);
  for (std::size_t page = 16;;) {
    const pg::Result lines = connection.query("fetch " + std::to_string(page) + " from exported");
    if (lines.empty()) return ExitCode::k_ok;
    std::size_t bytes = 0;
    for (int row = 0; row < lines.rows(); ++row) {
      bytes += lines.text(row, 0).size();
      context.out().line(lines.text(row, 0));
    }
    page = next_page(static_cast<std::size_t>(lines.rows()), bytes);
  }
}

}  // namespace

Action declare_export(CLI::App& command) {
  auto flags = std::make_shared<ExportFlags>();
  command.add_option("--since", flags->since, "Written since: 2h, or a time")
      ->type_name("T")
      ->required();
  command.add_option("--until", flags->until, "Written before: 1h, or a time; now without it")
      ->type_name("T");
  command.add_option("--event", flags->event, "Events of this name")->type_name("E");
  return [flags](Context& context) { return export_events(context, *flags); };
}

}  // namespace evd::evctl
