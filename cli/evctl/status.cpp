// status: the installation on one screen. handlers: the part about handlers alone.
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "cli/evctl/errors.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/duration.hpp"
#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

constexpr Milliseconds k_watch_at_least{100};
constexpr const char* k_report = "select evd.status_report()::text";

std::string age(std::int64_t milliseconds) {
  // To the second: a longer figure says no more.
  const Milliseconds value{milliseconds < 10'000 ? milliseconds : milliseconds / 1000 * 1000};
  return format_duration(value);
}

std::int64_t waiting_for(const Json& handler) {
  return number_at(handler, "waiting") + number_at(handler, "running") +
         number_at(handler, "part_events");
}

void add_log(Output& out, const Json& report) {
  const Json& log = report.at("log");
  out.line("instance   " + text_at(report, "instance") + "  schema " +
           text_at(report, "schema_version"));
  out.line("log        " + text_at(log, "taken") + " events taken, " +
           text_at(log, "taken_last_minute") + " in the last minute; " + text_at(log, "unread") +
           " unread" +
           (number_at(log, "unread") > 0 ? ", the oldest for " + age(number_at(log, "lag_ms"))
                                         : std::string()));
  out.line("windows    " + text_at(log, "open_windows") + " open, with " +
           text_at(log, "open_events") + " events");
  const std::string recovered = time_at(report, "last_recovery_at");
  out.line("evrecover  " + (recovered.empty() ? "never ran" : "last ran " + recovered));
}

void add_nodes(Output& out, const Json& nodes) {
  Table table({{"ID", ColumnKind::k_number},
               {"NODE"},
               {"KIND"},
               {"VERSION"},
               {"HEARTBEAT", ColumnKind::k_number},
               {"HANDLERS", ColumnKind::k_wide}});
  for (const auto& node : nodes) {
    table.add({text_at(node, "id"), text_at(node, "name"), text_at(node, "kind"),
               text_at(node, "version"), age(number_at(node, "heartbeat_age_ms")) + " ago",
               list_at(node, "handlers")});
  }
  out.add(table.empty() ? "\nno evd is running\n" : "\n" + table.render(out.style()));
}

void add_routes(Output& out, const Json& routes) {
  Table table({{"EVENT"}, {"OWNER"}, {"DEADLINE"}, {"HANDLERS", ColumnKind::k_wide}});
  for (const auto& route : routes) {
    table.add({text_at(route, "event_name"), text_at(route, "owner"),
               format_duration(Milliseconds(number_at(route, "deadline_ms"))),
               list_at(route, "handlers")});
  }
  if (!table.empty()) out.add("\n" + table.render(out.style()));
}

// Empty while it is closed.
std::string breaker_of(const Json& handler) {
  const Json& breaker = handler.at("breaker");
  if (breaker.is_null()) return {};
  return "open since " + time_at(breaker, "opened_at") + ": " + text_at(breaker, "error");
}

void add_handlers(Output& out, const Json& report) {
  Table table({{"HANDLER"},
               {"KIND"},
               {"STATE"},
               {"OUTSTANDING", ColumnKind::k_number},
               {"ESCALATED", ColumnKind::k_number},
               {"HOSTED ON", ColumnKind::k_wide},
               {"PAUSED BY", ColumnKind::k_wide},
               {"BREAKER", ColumnKind::k_wide}});
  for (const auto& handler : report.at("handlers")) {
    std::vector<std::string> hosts;
    for (const auto& node : report.at("nodes")) {
      const Json& names = node.at("handlers");
      const bool is_here = std::find(names.begin(), names.end(), handler.at("name")) != names.end();
      if (is_here && text_at(node, "kind") == "evd") hosts.push_back(text_at(node, "name"));
    }
    const bool is_paused = !text_at(handler, "paused_at").empty();
    const std::string breaker = breaker_of(handler);
    const std::string state = is_paused          ? "paused"
                              : !breaker.empty() ? "out of reach"
                              : hosts.empty()    ? "not hosted"
                                                 : "ok";
    const std::int64_t escalated = number_at(handler, "escalated");
    table.add({text_at(handler, "name"), text_at(handler, "kind"), Cell(state, tone_of(state)),
               std::to_string(waiting_for(handler)),
               Cell(std::to_string(escalated), escalated > 0 ? Tone::k_bad : Tone::k_plain),
               join(hosts, ", "), text_at(handler, "paused_by"), breaker});
  }
  out.add(table.empty() ? "no handler is known; see evctl apply\n" : table.render(out.style()));
}

// What is wrong as a whole, and somebody was told of.
void add_troubles(Output& out, const Json& troubles) {
  for (const auto& trouble : troubles) {
    out.line(painted("trouble    " + text_at(trouble, "kind") + " " + text_at(trouble, "subject"),
                     Tone::k_bad, out.style()) +
             " since " + time_at(trouble, "since") + ": " + printable(text_at(trouble, "error")));
  }
}

std::string seconds_at(const Json& object, const char* key) {
  if (!object.contains(key) || !object.at(key).is_number()) return {};
  return age(static_cast<std::int64_t>(object.at(key).get<double>() * 1000));
}

// How long what failed within the last day took to be done, and people to be told.
void add_recovery(Output& out, const Json& handlers) {
  Table table({{"RECOVERED IN A DAY"},
               {"PAIRS", ColumnKind::k_number},
               {"MEDIAN", ColumnKind::k_number},
               {"LONGEST", ColumnKind::k_number},
               {"TOLD WITHIN", ColumnKind::k_number}});
  for (const auto& handler : handlers) {
    table.add({text_at(handler, "handler"), text_at(handler, "recovered"),
               seconds_at(handler, "recovery_median"), seconds_at(handler, "recovery_longest"),
               seconds_at(handler, "telling_median")});
  }
  if (!table.empty()) out.add("\n" + table.render(out.style()));
}

void add_escalated(Output& out, const Json& groups) {
  Table table({{"ESCALATED", ColumnKind::k_number},
               {"EVENT"},
               {"HANDLER"},
               {"EXAMPLE", ColumnKind::k_number},
               {"ERROR", ColumnKind::k_wide}});
  for (const auto& group : groups) {
    table.add({Cell(text_at(group, "pairs"), Tone::k_bad), text_at(group, "event_name"),
               text_at(group, "handler"), text_at(group, "example"), text_at(group, "error")});
  }
  out.add(table.empty() ? "\nnothing is escalated\n" : "\n" + table.render(out.style()));
}

std::string report_text(Context& context, const char* sql) {
  pg::Connection connection = context.connect();
  return connection.query(sql).string(0, 0);
}

void add_status(Context& context, const std::string& text) {
  Output& out = context.out();
  if (context.json()) return out.line(text);
  const Json report = Json::parse(text);
  add_log(out, report);
  add_troubles(out, report.at("troubles"));
  add_nodes(out, report.at("nodes"));
  add_routes(out, report.at("routes"));
  out.line("");
  add_handlers(out, report);
  add_escalated(out, report.at("escalated"));
  add_recovery(out, report.at("recovery"));
}

// Until it is interrupted, also while the database is away.
[[noreturn]] void watch(Context& context, Milliseconds every) {
  Output& out = context.out();
  std::optional<pg::Connection> connection;
  for (;;) {
    if (out.is_terminal()) out.add("\x1b[H\x1b[2J");  // from the top of an empty screen
    try {
      if (!connection) connection = context.connect();
      add_status(context, connection->query(k_report).string(0, 0));
    } catch (const pg::Error& error) {
      if (!error.connection_lost()) throw;
      connection.reset();
      std::cerr << "evctl: " << judge(error).message << "; trying again\n";
    }
    if (!out.is_terminal() && !context.json()) out.line("");
    out.flush();
    std::this_thread::sleep_for(every);
  }
}

ExitCode status(Context& context, const std::string& watch_every) {
  if (!watch_every.empty()) {
    const auto every = parse_duration(watch_every);
    if (!every || *every < k_watch_at_least)
      throw ConfigError("--watch: not a duration of 100ms or more: \"" + watch_every + "\"");
    watch(context, *every);
  }
  add_status(context, report_text(context, k_report));
  return ExitCode::k_ok;
}

ExitCode handlers(Context& context) {
  const std::string text = report_text(
      context,
      "select jsonb_build_object('handlers', r.j -> 'handlers', 'nodes', r.j -> 'nodes')::text"
      " from (select evd.status_report() as j offset 0) r");
  if (context.json()) {
    context.out().line(text);
  } else {
    add_handlers(context.out(), Json::parse(text));
  }
  return ExitCode::k_ok;
}

}  // namespace

Action declare_status(CLI::App& command) {
  auto every = std::make_shared<std::string>();
  command.add_flag("--watch{2s}", *every,
                   "Again and again, so often (--watch=10s); 2s without a time");
  return [every](Context& context) { return status(context, *every); };
}

Action declare_handlers(CLI::App& /*command*/) { return handlers; }

}  // namespace evd::evctl
