// show: one event's whole story.
#include <memory>

#include "cli/evctl/alerts.hpp"
#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

std::string place_of(const Json& where) {
  const std::string place = text_at(where, "place");
  if (place == "window") {
    return "in window " + text_at(where, "window") + " of node " + text_at(where, "node") +
           " since " + time_at(where, "since");
  }
  if (place == "parts") return "put off with its window: " + list_at(where, "handlers");
  if (place == "deliveries") return "waiting for " + list_at(where, "handlers");
  return place == "not taken" ? "in the log, not taken yet" : place;
}

void add_header(Output& out, const Json& event, const std::string& args) {
  const std::string state = text_at(event, "state");
  const auto add = [&](const std::string& label, const std::string& value) {
    if (!value.empty()) {
      out.line(painted(label, Tone::k_dim, out.style()) + std::string(12 - label.size(), ' ') +
               printable(value));
    }
  };
  out.line("event " + text_at(event, "id") + "  " + text_at(event, "event_name") + "  " +
           painted(state, tone_of(state), out.style()));
  add("args", args);
  add("key", text_at(event, "key"));
  add("created", time_at(event, "created_at"));
  add("deliver at", time_at(event, "deliver_at"));
  add("deadline", time_at(event, "deadline"));
  add("owner", text_at(event, "owner"));
  add("where", place_of(event.value("where", Json::object())));
}

void add_pairs(Output& out, const Json& pairs) {
  Table table({{"HANDLER"},
               {"STATE"},
               {"ATTEMPTS", ColumnKind::k_number},
               {"NEXT"},
               {"NODE"},
               {"LAST ERROR", ColumnKind::k_wide}});
  for (const auto& pair : pairs) {
    const std::string state = text_at(pair, "state");
    table.add({text_at(pair, "handler"), Cell(state, tone_of(state)),
               text_at(pair, "attempts") + "/" + text_at(pair, "max_attempts"),
               time_at(pair, "next_at"), text_at(pair, "node"), text_at(pair, "last_error")});
  }
  out.line("");
  out.add(table.empty() ? "no handler is expected\n" : table.render(out.style()));
}

void add_attempts(Output& out, const Json& attempts) {
  Table table({{"FAILED AT"},
               {"HANDLER"},
               {"RUN", ColumnKind::k_number},
               {"NODE"},
               {"ERROR", ColumnKind::k_wide}});
  for (const auto& attempt : attempts) {
    table.add({time_at(attempt, "ended_at"), text_at(attempt, "handler"), text_at(attempt, "run"),
               text_at(attempt, "node"), text_at(attempt, "error")});
  }
  if (!table.empty()) out.add("\n" + table.render(out.style()));
}

void add_actions(Output& out, const Json& actions) {
  Table table({{"AT"}, {"ACTION"}, {"HANDLER"}, {"BY"}, {"WHY", ColumnKind::k_wide}});
  for (const auto& action : actions) {
    table.add({time_at(action, "at"), text_at(action, "action"), text_at(action, "handler"),
               text_at(action, "actor"), text_at(action, "why")});
  }
  if (!table.empty()) out.add("\n" + table.render(out.style()));
}

ExitCode show(Context& context, const std::string& id_text) {
  if (const auto alert = parse_alert_id(id_text)) {
    show_alert(context, *alert);
    return ExitCode::k_ok;
  }
  const std::int64_t id = parse_event_id(id_text);
  pg::Connection connection = context.connect();
  // args go past the JSON library, for which a number is a double.
  const auto result = connection.query(
      "select s.j::text, (s.j - 'args' - 'headers')::text, (s.j -> 'args')::text"
      " from (select evd.show($1) as j offset 0) s where s.j is not null",
      pg::params(id));
  if (result.empty()) throw Error("no such event: " + std::to_string(id));
  Output& out = context.out();
  if (context.json()) {
    out.line(result.text(0, 0));
    return ExitCode::k_ok;
  }
  const Json event = Json::parse(result.text(0, 1));
  add_header(out, event, result.string(0, 2));
  add_pairs(out, event.at("deliveries"));
  add_attempts(out, event.value("attempts", Json::array()));
  add_actions(out, event.value("actions", Json::array()));
  return ExitCode::k_ok;
}

}  // namespace

Action declare_show(CLI::App& command) {
  auto id = std::make_shared<std::string>();
  command.add_option("ID", *id, "The event's id, or an alert's, like A17")->required();
  return [id](Context& context) { return show(context, *id); };
}

}  // namespace evd::evctl
