// audit: the ledger, and what it cannot account for.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

constexpr int k_shown = 100;

struct Ledger {
  std::int64_t events = 0;
  std::int64_t emitted = 0;
  std::int64_t done = 0;
  std::int64_t resolved = 0;
  std::int64_t outstanding = 0;
  std::int64_t escalated = 0;
  std::int64_t unaccounted = 0;

  bool balances() const {
    return unaccounted == 0 && emitted == done + resolved + outstanding + escalated;
  }
};

struct Missing {
  std::optional<std::int64_t> event_id;
  std::string handler;
  std::int64_t pairs = 0;
  std::string why;
};

struct AuditFlags {
  std::string since;
  bool full = false;
};

// What is audited, in SQL's terms.
struct Scope {
  std::optional<std::string> since;
  bool full = false;
};

// The time as a constant, so that the ledger and the list of what is missing speak of the same one.
std::optional<std::string> resolve_since(pg::Connection& connection, const std::string& since) {
  if (since.empty()) return std::nullopt;
  pg::Params params;
  const std::string sql = "select (" + time_ago(since, params) + ")::text";
  return connection.query(sql, params).string(0, 0);
}

Ledger read_ledger(pg::Connection& connection, const Scope& scope) {
  const auto row = connection.query(
      "select a.events, a.emitted, a.done, a.resolved, a.outstanding, a.escalated, a.unaccounted"
      " from evd.audit($1::timestamptz, $2) a",
      pg::params(scope.since, scope.full));
  return {row.int64(0, 0), row.int64(0, 1), row.int64(0, 2), row.int64(0, 3),
          row.int64(0, 4), row.int64(0, 5), row.int64(0, 6)};
}

std::vector<Missing> read_missing(pg::Connection& connection, const Scope& scope) {
  const auto result = connection.query(
      "select m.event_id, coalesce(m.handler, ''), m.pairs, m.why"
      " from evd.audit_missing($1, $2::timestamptz, $3) m",
      pg::params(k_shown, scope.since, scope.full));
  std::vector<Missing> missing;
  for (int row = 0; row < result.rows(); ++row) {
    missing.push_back({result.optional_int64(row, 0), result.string(row, 1), result.int64(row, 2),
                       result.string(row, 3)});
  }
  return missing;
}

void tell_json(Output& out, const Ledger& ledger, const std::vector<Missing>& missing) {
  Json list = Json::array();
  for (const auto& each : missing) {
    list.push_back({{"event_id", each.event_id ? Json(*each.event_id) : Json()},
                    {"handler", each.handler.empty() ? Json() : Json(each.handler)},
                    {"pairs", each.pairs},
                    {"why", each.why}});
  }
  out.line(Json{
      {"events", ledger.events},
      {"emitted", ledger.emitted},
      {"done", ledger.done},
      {"resolved", ledger.resolved},
      {"outstanding", ledger.outstanding},
      {"escalated", ledger.escalated},
      {"unaccounted", ledger.unaccounted},
      {"balanced", ledger.balances()},
      {"missing",
       list}}.dump());
}

void tell(Output& out, const Ledger& ledger, const std::vector<Missing>& missing) {
  const auto text = [](std::int64_t number) { return std::to_string(number); };
  out.line("emitted = done + resolved + outstanding + escalated");
  out.line(text(ledger.emitted) + " = " + text(ledger.done) + " + " + text(ledger.resolved) +
           " + " + text(ledger.outstanding) + " + " + text(ledger.escalated) + "  (pairs of " +
           text(ledger.events) + " events)");
  const std::string verdict = "unaccounted " + text(ledger.unaccounted);
  out.line(painted(verdict, ledger.balances() ? Tone::k_good : Tone::k_bad, out.style()));
  if (missing.empty()) return;

  Table table({{"EVENT", ColumnKind::k_number},
               {"HANDLER"},
               {"PAIRS", ColumnKind::k_number},
               {"WHY", ColumnKind::k_wide}});
  for (const auto& each : missing) {
    table.add(
        {each.event_id ? text(*each.event_id) : "?", each.handler, text(each.pairs), each.why});
  }
  out.add("\n" + table.render(out.style()));
}

ExitCode audit(Context& context, const AuditFlags& flags) {
  pg::Connection connection = context.connect();
  const Scope scope{resolve_since(connection, flags.since), flags.full};
  const Ledger ledger = read_ledger(connection, scope);
  const auto missing = ledger.balances() ? std::vector<Missing>() : read_missing(connection, scope);
  if (context.json()) {
    tell_json(context.out(), ledger, missing);
  } else {
    tell(context.out(), ledger, missing);
  }
  return ledger.balances() ? ExitCode::k_ok : ExitCode::k_failed;
}

}  // namespace

Action declare_audit(CLI::App& command) {
  auto flags = std::make_shared<AuditFlags>();
  command
      .add_option("--since", flags->since, "Event by event, what was written since: 2h, or a time")
      ->type_name("T");
  command.add_flag("--full", flags->full, "Event by event, the whole log");
  return [flags](Context& context) { return audit(context, *flags); };
}

}  // namespace evd::evctl
