// alerts: what people were told, or are to be told. ack: somebody has seen one.
#include "cli/evctl/alerts.hpp"

#include <charconv>
#include <memory>

#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/alert/alert.hpp"
#include "common/base/duration.hpp"

namespace evd::evctl {
namespace {

struct AlertsFlags {
  bool all = false;
  int limit = 50;
};

struct AckFlags {
  std::string id;
  std::string duration = "1h";
};

std::string about(const Json& alert) {
  const std::string event = text_at(alert, "event_name"), handler = text_at(alert, "handler");
  return event + (event.empty() || handler.empty() ? "" : "/") + handler;
}

std::string state_of(const Json& alert) {
  if (!text_at(alert, "acked_until").empty()) return "acknowledged";
  const std::string state = text_at(alert, "state");
  if (!text_at(alert, "send_error").empty() && state == "sending") return "not taken";
  return state == "open" || state == "sending" ? "waiting" : state;
}

Tone tone_for(const std::string& state) {
  return state == "not taken" ? Tone::k_bad
         : state == "settled" ? Tone::k_good
         : state == "sent"    ? Tone::k_warning
                              : Tone::k_plain;
}

ExitCode alerts(Context& context, const AlertsFlags& flags) {
  pg::Connection connection = context.connect();
  const auto result = connection.query("select a::text from evd.alerts($1, $2) a",
                                       pg::params(flags.all, flags.limit));
  Output& out = context.out();
  Table table({{"ALERT"},
               {"KIND"},
               {"ABOUT"},
               {"COUNT", ColumnKind::k_number},
               {"STATE"},
               {"CHANNEL"},
               {"OWNER"},
               {"LAST"},
               {"ERROR", ColumnKind::k_wide}});
  for (int row = 0; row < result.rows(); ++row) {
    if (context.json()) {
      out.line(result.text(row, 0));
      continue;
    }
    const Json alert = Json::parse(result.text(row, 0));
    const std::string state = state_of(alert);
    table.add({text_at(alert, "id"), text_at(alert, "kind"), about(alert), text_at(alert, "count"),
               Cell(state, tone_for(state)), text_at(alert, "channel"), text_at(alert, "owner"),
               time_at(alert, "last_at"), text_at(alert, "last_error")});
  }
  if (!context.json())
    out.add(table.empty() ? "nobody needs to be told anything\n" : table.render(out.style()));
  return ExitCode::k_ok;
}

ExitCode ack(Context& context, const AckFlags& flags) {
  const auto id = parse_alert_id(flags.id);
  if (!id) throw ConfigError("not an alert's id, like A17: \"" + flags.id + "\"");
  const auto duration = parse_duration(flags.duration);
  if (!duration) throw ConfigError("--for: " + flags.duration + " is not a duration like 2h");
  pg::Connection connection = context.connect();
  const bool is_known =
      connection
          .query("select evd.alert_ack($1, $2::interval, $3)",
                 pg::params(*id, std::to_string(duration->count()) + " milliseconds",
                            Context::actor()))
          .boolean(0, 0);
  if (!is_known) throw Error("no such alert: " + flags.id);
  if (context.json()) {
    context.out().line(Json{{"alert", flags.id}, {"for_ms", duration->count()}}.dump());
  } else {
    context.out().line(flags.id + " is acknowledged for " + format_duration(*duration) +
                       "; \"recovered\" still comes");
  }
  return ExitCode::k_ok;
}

}  // namespace

std::optional<std::int64_t> parse_alert_id(std::string_view text) {
  if (!text.starts_with('A') && !text.starts_with('a')) return std::nullopt;
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), id);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && id > 0;
  return is_whole ? std::optional(id) : std::nullopt;
}

void show_alert(Context& context, std::int64_t alert) {
  pg::Connection connection = context.connect();
  const auto result =
      connection.query("select a::text from evd.alerts(true, 1, $1) a", pg::params(alert));
  if (result.empty()) throw Error("no such alert: A" + std::to_string(alert));
  Output& out = context.out();
  if (context.json()) return out.line(result.text(0, 0));
  const Json json = Json::parse(result.text(0, 0));
  out.line(printable(alert::parse_alert(result.text(0, 0)).text()));
  out.line("");
  out.line("channel     " + text_at(json, "channel") + ", " + state_of(json) +
           (time_at(json, "sent_at").empty() ? "" : ", taken " + time_at(json, "sent_at")));
  out.line("unresolved  " + text_at(json, "pending"));
  if (!text_at(json, "acked_until").empty())
    out.line("seen by     " + text_at(json, "acked_by") + ", silent until " +
             time_at(json, "acked_until"));
  if (!text_at(json, "send_error").empty())
    out.line("not taken   " + printable(text_at(json, "send_error")));
}

Action declare_alerts(CLI::App& command) {
  const auto flags = std::make_shared<AlertsFlags>();
  command.add_flag("--all", flags->all, "Also those that are over");
  command.add_option("--limit", flags->limit, "At most so many (50)")->check(CLI::PositiveNumber);
  return [flags](Context& context) { return alerts(context, *flags); };
}

Action declare_ack(CLI::App& command) {
  const auto flags = std::make_shared<AckFlags>();
  command.add_option("ALERT", flags->id, "Its id, like A17")->required();
  command.add_option("--for", flags->duration, "How long (1h)")->type_name("DURATION");
  return [flags](Context& context) { return ack(context, *flags); };
}

}  // namespace evd::evctl
