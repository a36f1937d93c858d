// re-emit: fresh attempts for what is missing of events; of many, perhaps one of them first, and
// no faster than told.
#include <algorithm>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cli/evctl/json.hpp"
#include "cli/evctl/pace.hpp"
#include "cli/evctl/selection.hpp"
#include "cli/evctl/settle.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/duration.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

constexpr Milliseconds k_wait{300'000};  // unless --wait says how long
constexpr std::size_t k_canary_page = 100;

struct ReEmitFlags {
  Selection selection;
  bool all_handlers = false;
  bool same_key = false;
  bool new_key = false;
  bool canary = false;
  std::int64_t rate = 0;
  std::string wait;
};

void check(const ReEmitFlags& flags) {
  check_selection(flags.selection, "re-emit");
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

bool is_re_emitted(const PairResult& pair) { return pair.result == "re-emitted"; }

bool has_failed(const PairResult& pair) {
  return pair.result.starts_with("failed") || pair.result.starts_with("escalated");
}

bool is_under_way(const PairResult& pair) { return pair.result == "still waiting"; }

// Something is missing, and none of it could be re-emitted now.
bool could_not(const std::vector<PairResult>& pairs) {
  return std::none_of(pairs.begin(), pairs.end(), is_re_emitted) &&
         !std::all_of(pairs.begin(), pairs.end(),
                      [](const auto& pair) { return pair.result.starts_with("already"); });
}

class ReEmit {
 public:
  ReEmit(Context& context, const ReEmitFlags& flags)
      : context_(context),
        flags_(flags),
        connection_(context.connect()),
        wait_(flags.wait.empty() ? k_wait : *parse_duration(flags.wait)),
        selected_(select_events(connection_, flags.selection,
                                flags.all_handlers ? Scope::k_all : Scope::k_missing)) {}

  ExitCode run() {
    const Selection& selection = flags_.selection;
    if (!is_confirmed(selection, "re-emit", selected_.ids.size())) return ExitCode::k_failed;
    std::span<const std::int64_t> rest = selected_.ids;
    if (flags_.canary && !selection.dry_run) {
      rest = re_emit_canary(rest);
      if (std::any_of(watched_.begin(), watched_.end(), std::not_fn(is_well))) return stop(rest);
    }
    rest = re_emit_all(rest);
    if (is_failing_) return stop(rest);
    const bool is_vain = could_not(pairs_);
    if (!flags_.wait.empty() && !selection.dry_run && !is_vain) return wait_and_tell();
    tell();
    return is_vain ? ExitCode::k_failed : ExitCode::k_ok;
  }

 private:
  static bool is_well(const PairResult& pair) {
    return pair.result == "done" || pair.result == "resolved";
  }

  // One event whose outcome is awaited: the first of which anything is to run again. What it came
  // to is in watched_. Returns the others.
  std::span<const std::int64_t> re_emit_canary(std::span<const std::int64_t> ids) {
    while (!ids.empty() && watched_.empty()) {
      re_emit_page(ids.first(1));
      ids = ids.subspan(1);
    }
    wait_for_pairs(connection_, watched_, wait_);
    return ids;
  }

  // What is left once something that a canary was to find out fails again; else nothing.
  std::span<const std::int64_t> re_emit_all(std::span<const std::int64_t> ids) {
    const bool is_trial = flags_.selection.dry_run;
    // Ids that a person typed are re-emitted all or not at all.
    const bool is_whole = !flags_.selection.is_filter() && flags_.rate == 0 && !flags_.canary;
    Pace pace(flags_.rate);
    Progress progress(context_.out().is_terminal() && !context_.json() && !is_whole,
                      static_cast<std::int64_t>(selected_.ids.size()));
    std::int64_t done = 0;
    while (!ids.empty() && !is_failing_) {
      std::size_t page = is_whole ? ids.size() : static_cast<std::size_t>(pace.page());
      // Without a rate, the next page waits for what becomes of this one.
      if (flags_.canary && flags_.rate == 0) page = std::min(page, k_canary_page);
      const auto now = ids.first(std::min(ids.size(), page));
      re_emit_page(now);
      ids = ids.subspan(now.size());
      done += static_cast<std::int64_t>(now.size());
      progress.show(static_cast<std::int64_t>(selected_.ids.size() - ids.size()));
      if (is_trial) continue;
      if (!ids.empty()) pace.keep(done);
      if (flags_.canary)
        look_for_failures(flags_.rate == 0 || ids.empty() ? wait_ : Milliseconds{0});
    }
    return ids;
  }

  // Of what was re-emitted and has ended since the last call, or does within that time.
  void look_for_failures(Milliseconds within) {
    wait_for_pairs(connection_, watched_, within);
    is_failing_ = std::any_of(watched_.begin(), watched_.end(), has_failed);
    if (!is_failing_) std::erase_if(watched_, std::not_fn(is_under_way));
  }

  void re_emit_page(std::span<const std::int64_t> ids) {
    pg::Transaction transaction(connection_);
    std::vector<PairResult> pairs = read_pairs(query_page(ids));
    if (!flags_.selection.dry_run) transaction.commit();
    std::copy_if(pairs.begin(), pairs.end(), std::back_inserter(watched_), is_re_emitted);
    std::move(pairs.begin(), pairs.end(), std::back_inserter(pairs_));
  }

  // Ids that a person typed must all exist; what a filter found may meanwhile have gone.
  pg::Result query_page(std::span<const std::int64_t> ids) {
    const pg::Params params =
        pg::params(std::vector<std::int64_t>(ids.begin(), ids.end()), selected_.handler,
                   flags_.all_handlers, flags_.new_key, Context::actor());
    return connection_.query(
        flags_.selection.is_filter()
            ? "select m.event_id, m.handler, m.result from evd.re_emit_many($1, $2, $3, $4, $5) m"
            : "select i.id, m.handler, m.result from unnest($1) i (id)"
              " cross join lateral evd.re_emit(i.id, $2, $3, $4, $5) m",
        params);
  }

  // Something failed again, or the canary did not end in time: the others would, too.
  ExitCode stop(std::span<const std::int64_t> rest) {
    std::erase_if(watched_, is_well);
    const std::string left = rest.empty() ? "none is left as it was"
                             : rest.size() == 1
                                 ? "1 event is left as it was"
                                 : std::to_string(rest.size()) + " events are left as they were";
    if (context_.json()) {
      context_.out().line("{\"dry_run\":false,\"events\":" + std::to_string(selected_.ids.size()) +
                          ",\"re_emitted\":" + std::to_string(re_emitted()) + ",\"left\":" +
                          std::to_string(rest.size()) + ",\"pairs\":" + pairs_json(watched_) + "}");
    } else {
      context_.out().add(pairs_table(watched_, context_.out().style()));
      context_.out().line("stopped: " + left);
    }
    return ExitCode::k_failed;
  }

  std::int64_t re_emitted() const {
    return std::count_if(pairs_.begin(), pairs_.end(), is_re_emitted);
  }

  void tell() {
    Output& out = context_.out();
    const bool is_trial = flags_.selection.dry_run;
    const std::int64_t started = re_emitted();
    for (auto& pair : pairs_) {
      if (is_trial && is_re_emitted(pair)) pair.result = "would be re-emitted";
    }
    if (context_.json()) {
      out.line("{\"dry_run\":" + std::string(is_trial ? "true" : "false") + ",\"events\":" +
               std::to_string(selected_.ids.size()) + ",\"re_emitted\":" + std::to_string(started) +
               ",\"pairs\":" + pairs_json(pairs_) + "}");
      return;
    }
    out.add(
        short_pairs_table(pairs_, is_trial ? "would be re-emitted" : "re-emitted", out.style()));
    out.line(std::to_string(started) + (is_trial ? " would be re-emitted" : " re-emitted") +
             " of " + std::to_string(selected_.ids.size()) +
             (selected_.ids.size() == 1 ? " event" : " events"));
  }

  ExitCode wait_and_tell() {
    if (!context_.json()) {
      tell();
      context_.out().flush();
    }
    // Nothing was to be done again for the others: waiting for them would be waiting for nothing.
    std::erase_if(pairs_, std::not_fn(is_re_emitted));
    wait_for_pairs(connection_, pairs_, wait_);
    if (context_.json()) {
      context_.out().line("{\"re_emitted\":" + std::to_string(pairs_.size()) +
                          ",\"pairs\":" + pairs_json(pairs_) + "}");
    } else {
      context_.out().add(short_pairs_table(pairs_, "done", context_.out().style()));
    }
    return std::all_of(pairs_.begin(), pairs_.end(), is_well) ? ExitCode::k_ok : ExitCode::k_failed;
  }

  Context& context_;
  const ReEmitFlags& flags_;
  pg::Connection connection_;
  Milliseconds wait_;
  Selected selected_;
  std::vector<PairResult> pairs_;    // of all that was asked for, so far
  std::vector<PairResult> watched_;  // of those, what was re-emitted and is not known to be done
  bool is_failing_ = false;          // some of that failed again
};

}  // namespace

Action declare_re_emit(CLI::App& command) {
  auto flags = std::make_shared<ReEmitFlags>();
  add_selection_options(command, flags->selection);
  command.add_flag("--all-handlers", flags->all_handlers, "Also what is done or resolved");
  command.add_flag("--same-key", flags->same_key, "Under the same idempotency key");
  command.add_flag("--new-key", flags->new_key, "Under a new idempotency key");
  command.add_flag("--canary", flags->canary,
                   "One event first; the others once it is done, until one of them fails again");
  command.add_option("--rate", flags->rate, "Events a second; as fast as it can without it")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  command.add_flag("--wait{5m}", flags->wait,
                   "Wait for the outcome, at most so long (--wait=30s); 5m without a time");
  return [flags](Context& context) {
    check(*flags);
    return ReEmit(context, *flags).run();
  };
}

}  // namespace evd::evctl
