// replay: gives a handler the events of a time once more, no faster than it is told to, so that
// what is emitted meanwhile does not wait behind history.
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/pace.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

struct ReplayFlags {
  std::string handler;
  std::string event;
  std::string since;
  std::string until;
  std::string after;
  std::int64_t rate = 1'000;  // events a second
  bool dry_run = false;
};

struct Position {
  std::string xid = "0";
  std::int64_t id = -1;
};

class Replay {
 public:
  Replay(Context& context, const ReplayFlags& flags)
      : context_(context),
        flags_(flags),
        connection_(context.connect()),
        shows_progress_(context.out().is_terminal() && !context.json()),
        pace_(flags.rate) {
    fix_range();
    if (!flags.after.empty()) position_ = position_of(parse_event_id(flags.after));
    count();
  }

  ExitCode run() {
    if (total_ == 0) throw Error("no event of that time expects \"" + flags_.handler + "\"");
    if (!flags_.dry_run) replay_all();
    report();
    // Whatever was left out is about to run anyway; nothing at all replayed is another matter.
    return flags_.dry_run || replayed_ > 0 ? ExitCode::k_ok : ExitCode::k_failed;
  }

 private:
  // Durations are from now, which must not move from page to page; nor is what is emitted meanwhile
  // history.
  void fix_range() {
    pg::Params params;
    const std::string since = time_ago(flags_.since, params);
    const std::string until =
        flags_.until.empty() ? "statement_timestamp()" : time_ago(flags_.until, params);
    const auto range = connection_.query("select " + since + ", " + until, params);
    since_ = range.string(0, 0);
    until_ = range.string(0, 1);
  }

  Position position_of(std::int64_t id) {
    const auto found =
        connection_.query("select xid::text from evd.events where id = $1", pg::params(id));
    if (found.empty()) throw Error("--after: no such event: " + flags_.after);
    return {found.string(0, 0), id};
  }

  // The rest of the range.
  pg::Params range() const {
    const auto name = flags_.event.empty() ? std::nullopt : std::optional(flags_.event);
    return pg::params(since_, until_, name, flags_.handler, position_.xid, position_.id);
  }
  static std::string from_range() {
    return " from evd.history($1::timestamptz, $2::timestamptz, $3, $4) h"
           " where (h.xid, h.id) > ($5::xid8, $6::bigint)";
  }

  void count() {
    total_ = connection_.query("select count(*)" + from_range(), range()).int64(0, 0);
  }

  void replay_all() {
    Progress progress(shows_progress_, total_);
    try {
      while (replay_page()) {
        progress.show(seen_);
        pace_.keep(seen_);
      }
    } catch (const Error&) {
      progress.end();
      if (seen_ > 0) {
        std::cerr << "evctl: " << seen_ << " of " << total_ << " events were replayed; --after "
                  << position_.id << " goes on from there\n";
      }
      throw;
    }
  }

  // False: that was the end.
  bool replay_page() {
    pg::Params params = range();
    params.add(pace_.page());
    const auto page = connection_.query(
        "select h.xid::text, h.id" + from_range() + " order by h.xid, h.id limit $7", params);
    if (page.empty()) return false;
    std::vector<std::int64_t> ids;
    for (int row = 0; row < page.rows(); ++row) ids.push_back(page.int64(row, 1));
    replayed_ += re_emit(ids);
    seen_ += page.rows();
    position_ = {page.string(page.rows() - 1, 0), ids.back()};
    return true;
  }

  // How many of them; the others are still to run as they are.
  std::int64_t re_emit(const std::vector<std::int64_t>& ids) {
    pg::Transaction transaction(connection_);
    const auto result = connection_.query(
        "select count(*) from evd.re_emit_many($1, $2, true, true, $3, 'replay') m"
        " where m.result = 're-emitted'",
        pg::params(ids, flags_.handler, Context::actor()));
    transaction.commit();
    return result.int64(0, 0);
  }

  void report() {
    const std::int64_t left = flags_.dry_run ? 0 : seen_ - replayed_;
    if (context_.json()) {
      context_.out().line(Json{
          {"dry_run", flags_.dry_run},
          {"events", total_},
          {"replayed", replayed_},
          {"still_running",
           left}}.dump());
      return;
    }
    if (flags_.dry_run) {
      context_.out().line(std::to_string(total_) + " would be replayed");
      return;
    }
    context_.out().line(
        std::to_string(replayed_) + " of " + std::to_string(seen_) + " events replayed" +
        (left > 0 ? "; " + std::to_string(left) + " are still to run as they are" : ""));
  }

  Context& context_;
  const ReplayFlags& flags_;
  pg::Connection connection_;
  bool shows_progress_;
  Pace pace_;
  std::string since_;
  std::string until_;
  Position position_;  // of the last event that was replayed
  std::int64_t total_ = 0;
  std::int64_t seen_ = 0;
  std::int64_t replayed_ = 0;
};

}  // namespace

Action declare_replay(CLI::App& command) {
  auto flags = std::make_shared<ReplayFlags>();
  command.add_option("--handler", flags->handler, "The handler that runs them")
      ->type_name("H")
      ->required();
  command.add_option("--event", flags->event, "Events of this name")->type_name("E");
  command.add_option("--since", flags->since, "Written since: 2h, or a time")
      ->type_name("T")
      ->required();
  command.add_option("--until", flags->until, "Written before: 1h, or a time; now without it")
      ->type_name("T");
  command.add_option("--rate", flags->rate, "Events a second; 1000 without it")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  command.add_option("--after", flags->after, "Go on behind this event")->type_name("ID");
  command.add_flag("--dry-run", flags->dry_run, "Only say how many");
  return [flags](Context& context) { return Replay(context, *flags).run(); };
}

}  // namespace evd::evctl
