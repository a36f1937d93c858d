// re-emit: fresh attempts for what is missing of events.
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cli/evctl/alerts.hpp"
#include "cli/evctl/filter.hpp"
#include "cli/evctl/settle.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/duration.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

constexpr std::size_t k_page = 1000;  // events of a transaction

struct ReEmitFlags {
  std::vector<std::string> ids;
  Filter filter;
  bool all_handlers = false;
  bool same_key = false;
  bool new_key = false;
  std::string wait;
  bool dry_run = false;
  bool yes = false;

  std::optional<std::string> handler() const {
    return filter.handler.empty() ? std::nullopt : std::optional(filter.handler);
  }
};

void check(const ReEmitFlags& flags) {
  Filter beside_ids = flags.filter;
  beside_ids.handler.clear();
  if (flags.ids.empty() && flags.filter.is_empty()) {
    throw ConfigError("re-emit what? Give ids, or a filter such as --status escalated");
  }
  if (!flags.ids.empty() && !beside_ids.is_empty()) {
    throw ConfigError("give ids or a filter, not both (--handler goes with either)");
  }
  if (flags.same_key && flags.new_key) {
    throw ConfigError("--same-key and --new-key contradict each other");
  }
  if (flags.all_handlers && !flags.same_key && !flags.new_key) {
    throw ConfigError(
        "--all-handlers runs also what is done: say --same-key, for which a handler may do nothing"
        " the second time, or --new-key, for which its effect happens again");
  }
  if (!flags.wait.empty() && !parse_duration(flags.wait)) {
    throw ConfigError("--wait: not a duration: \"" + flags.wait + "\"");
  }
}

std::vector<std::int64_t> find_events(pg::Connection& connection, const ReEmitFlags& flags) {
  pg::Params params;
  const Scope scope = flags.all_handlers ? Scope::k_all : Scope::k_missing;
  const std::string where = where_clause(flags.filter, scope, params);
  const auto result =
      connection.query("select e.id from evd.events e " + where + " order by e.xid, e.id", params);
  std::vector<std::int64_t> ids;
  for (int row = 0; row < result.rows(); ++row) ids.push_back(result.int64(row, 0));
  return ids;
}

// A filter may mean more than its author thinks.
bool is_confirmed(const ReEmitFlags& flags, std::size_t count) {
  if (!flags.ids.empty() || flags.yes || flags.dry_run || count == 0) return true;
  const std::string events = std::to_string(count) + (count == 1 ? " event" : " events");
  if (::isatty(STDIN_FILENO) == 0) {
    throw ConfigError("the filter means " + events + ": add --yes to re-emit them");
  }
  std::cerr << "re-emit " << events << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// Ids that a person typed must all exist; what a filter found may meanwhile have gone.
pg::Result re_emit_page(pg::Connection& connection, const ReEmitFlags& flags,
                        std::span<const std::int64_t> ids) {
  const std::vector<std::int64_t> page(ids.begin(), ids.end());
  const pg::Params params =
      pg::params(page, flags.handler(), flags.all_handlers, flags.new_key, Context::actor());
  if (flags.ids.empty()) {
    return connection.query(
        "select m.event_id, m.handler, m.result from evd.re_emit_many($1, $2, $3, $4, $5) m",
        params);
  }
  return connection.query(
      "select i.id, m.handler, m.result from unnest($1) i (id)"
      " cross join lateral evd.re_emit(i.id, $2, $3, $4, $5) m",
      params);
}

std::vector<PairResult> re_emit_all(pg::Connection& connection, const ReEmitFlags& flags,
                                    std::span<const std::int64_t> ids) {
  std::vector<PairResult> pairs;
  while (!ids.empty()) {
    const auto page = ids.first(std::min(ids.size(), flags.ids.empty() ? k_page : ids.size()));
    pg::Transaction transaction(connection);
    for (auto& pair : read_pairs(re_emit_page(connection, flags, page))) {
      pairs.push_back(std::move(pair));
    }
    if (!flags.dry_run) transaction.commit();
    ids = ids.subspan(page.size());
  }
  return pairs;
}

// Nothing was to be done again for the others: waiting for them would be waiting for nothing.
std::size_t keep_re_emitted(std::vector<PairResult>& pairs) {
  return std::erase_if(pairs, [](const auto& pair) { return pair.result != "re-emitted"; });
}

bool has_failed(const std::vector<PairResult>& pairs) {
  return std::any_of(pairs.begin(), pairs.end(), [](const PairResult& pair) {
    return pair.result != "done" && pair.result != "resolved";
  });
}

// Something is missing, and none of it could be re-emitted now.
bool could_not(const std::vector<PairResult>& pairs) {
  const auto is = [](std::string_view word) {
    return [word](const PairResult& pair) { return pair.result.starts_with(word); };
  };
  return std::none_of(pairs.begin(), pairs.end(), is("re-emitted")) &&
         std::any_of(pairs.begin(), pairs.end(), std::not_fn(is("already")));
}

void tell(Context& context, const ReEmitFlags& flags, std::vector<PairResult> pairs,
          std::size_t events) {
  Output& out = context.out();
  const auto started = std::count_if(pairs.begin(), pairs.end(),
                                     [](const auto& p) { return p.result == "re-emitted"; });
  for (auto& pair : pairs) {
    if (flags.dry_run && pair.result == "re-emitted") pair.result = "would be re-emitted";
  }
  if (context.json()) {
    out.line("{\"dry_run\":" + std::string(flags.dry_run ? "true" : "false") + ",\"events\":" +
             std::to_string(events) + ",\"re_emitted\":" + std::to_string(started) +
             ",\"pairs\":" + pairs_json(pairs) + "}");
    return;
  }
  out.add(pairs_table(pairs, out.style()));
  out.line(std::to_string(started) + (flags.dry_run ? " would be re-emitted" : " re-emitted") +
           " of " + std::to_string(events) + (events == 1 ? " event" : " events"));
}

ExitCode wait_and_tell(Context& context, const ReEmitFlags& flags, pg::Connection& connection,
                       std::vector<PairResult> pairs) {
  keep_re_emitted(pairs);
  wait_for_pairs(connection, pairs, *parse_duration(flags.wait));
  if (context.json()) {
    context.out().line("{\"re_emitted\":" + std::to_string(pairs.size()) +
                       ",\"pairs\":" + pairs_json(pairs) + "}");
  } else {
    context.out().add(pairs_table(pairs, context.out().style()));
  }
  return has_failed(pairs) ? ExitCode::k_failed : ExitCode::k_ok;
}

// What the alert tells of, for its handler.
std::vector<std::int64_t> find_alert(pg::Connection& connection, std::int64_t alert,
                                     ReEmitFlags& flags) {
  const auto result =
      connection.query("select event_id, handler from evd.alert_events($1)", pg::params(alert));
  if (result.empty()) throw Error(flags.ids.front() + " tells of nothing that is unresolved");
  std::vector<std::int64_t> ids;
  for (int row = 0; row < result.rows(); ++row) ids.push_back(result.int64(row, 0));
  if (flags.filter.handler.empty()) flags.filter.handler = result.string(0, 1);
  return ids;
}

ExitCode re_emit(Context& context, ReEmitFlags flags) {
  check(flags);
  const auto alert = flags.ids.size() == 1 ? parse_alert_id(flags.ids.front()) : std::nullopt;
  std::vector<std::int64_t> ids;
  if (!alert) ids = parse_event_ids(flags.ids);
  pg::Connection connection = context.connect();
  if (alert) ids = find_alert(connection, *alert, flags);
  if (ids.empty()) ids = find_events(connection, flags);
  if (!is_confirmed(flags, ids.size())) return ExitCode::k_failed;

  const auto pairs = re_emit_all(connection, flags, ids);
  const bool waits = !flags.wait.empty() && !flags.dry_run && !could_not(pairs);
  if (waits) {
    if (!context.json()) {
      tell(context, flags, pairs, ids.size());
      context.out().flush();
    }
    return wait_and_tell(context, flags, connection, pairs);
  }
  tell(context, flags, pairs, ids.size());
  return could_not(pairs) ? ExitCode::k_failed : ExitCode::k_ok;
}

}  // namespace

Action declare_re_emit(CLI::App& command) {
  auto flags = std::make_shared<ReEmitFlags>();
  command.add_option("ID", flags->ids, "Events, or an alert, like A17; or a filter instead");
  add_filter_options(command, flags->filter);
  command.add_flag("--all-handlers", flags->all_handlers, "Also what is done or resolved");
  command.add_flag("--same-key", flags->same_key, "Under the same idempotency key");
  command.add_flag("--new-key", flags->new_key, "Under a new idempotency key");
  command.add_flag("--wait{5m}", flags->wait,
                   "Wait for the outcome, at most so long (--wait=30s); 5m without a time");
  command.add_flag("--dry-run", flags->dry_run, "Only say what would be done");
  command.add_flag("--yes", flags->yes, "Do not ask");
  return [flags](Context& context) { return re_emit(context, *flags); };
}

}  // namespace evd::evctl
