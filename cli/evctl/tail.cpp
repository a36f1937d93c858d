// tail: events as they come, and as their state changes. What came since the last look is what its
// snapshot does not see, so that a transaction that commits late is not missed, whatever its ids.
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

constexpr std::chrono::milliseconds k_poll{500};
constexpr int k_page = 1'000;              // new events of one look; what is more is only told
constexpr std::size_t k_followed = 1'000;  // until they end; the oldest are given up

struct Followed {
  std::string xid;
  std::string state;
};

class Tail {
 public:
  Tail(Context& context, std::string event)
      : context_(context), event_(std::move(event)), connection_(context.connect()) {}

  // Until it is interrupted, nobody reads any more, or the database is lost.
  void run() {
    snapshot_ = connection_.query("select evd.log_snapshot()").string(0, 0);
    for (;;) {
      look_for_changes();
      look_for_new();
      context_.out().flush();
      std::this_thread::sleep_for(k_poll);
    }
  }

 private:
  // One statement: its snapshot is the one that it returns. The left join is for the look that
  // finds nothing.
  void look_for_new() {
    pg::Params params = pg::params(snapshot_);
    std::string name;
    if (!event_.empty()) {
      params.add(event_);
      name = " and e.event_name = $2";
    }
    const auto found = connection_.query(
        "select s.now::text, e.* from evd.log_snapshot() s (now) left join lateral"
        " (select e.id, e.xid::text as at, evd.iso_time(e.created_at), e.event_name, e.state,"
        "  array_to_string(e.done, ', '), array_to_string(e.resolved, ', '), e.args::text"
        "  from evd.events e where (e.xid, e.id) > (pg_snapshot_xmin($1::pg_snapshot), -1::bigint)"
        "  and not pg_visible_in_snapshot(e.xid, $1::pg_snapshot)" +
            name + " order by e.xid, e.id limit " + std::to_string(k_page + 1) + ") e on true",
        params);
    snapshot_ = found.string(0, 0);
    if (found.is_null(0, 1)) return;
    for (int row = 0; row < std::min(found.rows(), k_page); ++row) {
      follow(found.int64(row, 1), {found.string(row, 2), found.string(row, 5)});
      print(found, row);
    }
    if (found.rows() > k_page && !context_.json()) {
      context_.out().line("… and more, too many to show");
    }
  }

  void follow(std::int64_t id, Followed event) {
    if (event.state == "processed") return;
    followed_[id] = std::move(event);
    if (followed_.size() > k_followed) followed_.erase(followed_.begin());
  }

  void look_for_changes() {
    if (followed_.empty()) return;
    std::vector<std::int64_t> ids;
    std::vector<std::string> xids;
    for (const auto& [id, event] : followed_) {
      ids.push_back(id);
      xids.push_back(event.xid);
    }
    const auto found = connection_.query(
        "select null, e.id, e.xid::text, evd.iso_time(statement_timestamp()), e.event_name,"
        " e.state, array_to_string(e.done, ', '), array_to_string(e.resolved, ', '), e.args::text"
        " from evd.events e where e.id = any ($1) and e.xid = any ($2::text[]::xid8[])"
        " order by e.xid, e.id",
        pg::params(ids, xids));
    for (int row = 0; row < found.rows(); ++row) {
      const auto event = followed_.find(found.int64(row, 1));
      if (event == followed_.end() || event->second.state == found.text(row, 5)) continue;
      event->second.state = found.string(row, 5);
      print(found, row);
      if (event->second.state == "processed") followed_.erase(event);
    }
  }

  void print(const pg::Result& found, int row) {
    context_.json() ? print_json(found, row) : print_text(found, row);
  }

  // args stand last and as they came: numbers keep every digit.
  void print_json(const pg::Result& found, int row) {
    const std::string members =
        Json{{"at", found.text(row, 3)},         {"id", found.int64(row, 1)},
             {"event_name", found.text(row, 4)}, {"state", found.text(row, 5)},
             {"done", found.text(row, 6)},       {"resolved", found.text(row, 7)}}
            .dump();
    context_.out().line(members.substr(0, members.size() - 1) +
                        ",\"args\":" + found.string(row, 8) + "}");
  }

  void print_text(const pg::Result& found, int row) {
    const Style& style = context_.out().style();
    const std::string state = found.string(row, 5);
    std::string line = short_time(found.text(row, 3)) + "  " + found.string(row, 1) + "  " +
                       found.string(row, 4) + "  " + painted(state, tone_of(state), style);
    if (!found.text(row, 6).empty()) line += "  done: " + found.string(row, 6);
    if (!found.text(row, 7).empty()) line += "  resolved: " + found.string(row, 7);
    context_.out().line(line + "  " + printable(found.text(row, 8)));
  }

  Context& context_;
  std::string event_;
  pg::Connection connection_;
  std::string snapshot_;
  std::map<std::int64_t, Followed> followed_;  // by id; without those that are processed
};

}  // namespace

Action declare_tail(CLI::App& command) {
  auto event = std::make_shared<std::string>();
  command.add_option("--event", *event, "Events of this name")->type_name("E");
  return [event](Context& context) {
    Tail(context, *event).run();
    return ExitCode::k_ok;
  };
}

}  // namespace evd::evctl
