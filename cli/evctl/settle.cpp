#include "cli/evctl/settle.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "cli/evctl/json.hpp"

namespace evd::evctl {
namespace {

constexpr Milliseconds k_poll{100};
constexpr std::size_t k_table_rows = 50;

// A pair that a person re-emitted began with no attempts counted: one that ended is a failure.
constexpr const char* k_outcomes =
    "select d.event_id, d.handler,"
    " case when d.state in ('done', 'resolved') then d.state"
    "      when d.state = 'escalated' then 'escalated: ' || coalesce(d.last_error, '')"
    "      when d.attempts > (d.state = 'running')::integer"
    "        then 'failed: ' || coalesce(d.last_error, '')"
    "      else 'still waiting' end"
    " from unnest($1::bigint[], $2::text[]) p (event_id, handler)"
    " join evd.deliveries d on d.event_id = p.event_id and d.handler = p.handler";

using Key = std::pair<std::int64_t, std::string>;

// What the pairs have come to, as far as they have rows.
std::map<Key, std::string> outcomes(pg::Connection& connection,
                                    const std::vector<PairResult>& pairs) {
  std::vector<std::int64_t> ids;
  std::vector<std::string> handlers;
  for (const auto& pair : pairs) {
    ids.push_back(pair.event_id);
    handlers.push_back(pair.handler);
  }
  std::map<Key, std::string> found;
  for (auto& pair : read_pairs(connection.query(k_outcomes, pg::params(ids, handlers)))) {
    found.emplace(Key(pair.event_id, pair.handler), std::move(pair.result));
  }
  return found;
}

}  // namespace

std::vector<PairResult> read_pairs(const pg::Result& result) {
  std::vector<PairResult> pairs;
  for (int row = 0; row < result.rows(); ++row) {
    pairs.push_back({result.int64(row, 0), result.string(row, 1), result.string(row, 2)});
  }
  return pairs;
}

std::string pairs_json(const std::vector<PairResult>& pairs) {
  Json list = Json::array();
  for (const auto& pair : pairs) {
    list.push_back(
        {{"event_id", pair.event_id}, {"handler", pair.handler}, {"result", pair.result}});
  }
  return list.dump();
}

std::string pairs_table(const std::vector<PairResult>& pairs, const Style& style) {
  Table table({{"EVENT", ColumnKind::k_number}, {"HANDLER"}, {"RESULT", ColumnKind::k_wide}});
  for (const auto& pair : pairs) {
    const std::string word = pair.result.substr(0, pair.result.find(':'));
    table.add({std::to_string(pair.event_id), pair.handler, Cell(pair.result, tone_of(word))});
  }
  return table.empty() ? "" : table.render(style);
}

std::string short_pairs_table(const std::vector<PairResult>& pairs, std::string_view usual,
                              const Style& style) {
  if (pairs.size() <= k_table_rows) return pairs_table(pairs, style);
  std::vector<PairResult> unusual;
  std::copy_if(pairs.begin(), pairs.end(), std::back_inserter(unusual),
               [usual](const auto& pair) { return pair.result != usual; });
  const std::size_t hidden = unusual.size() - std::min(unusual.size(), k_table_rows);
  unusual.resize(unusual.size() - hidden);
  return pairs_table(unusual, style) +
         (hidden > 0 ? "… and " + std::to_string(hidden) + " more\n" : "");
}

void wait_for_pairs(pg::Connection& connection, std::vector<PairResult>& pairs,
                    Milliseconds timeout) {
  const SteadyClock clock;
  const auto deadline = clock.now() + timeout;
  for (;;) {
    const auto found = outcomes(connection, pairs);
    bool is_settled = true;
    for (auto& pair : pairs) {
      const auto outcome = found.find({pair.event_id, pair.handler});
      // A row that is gone was done, and taken by retention.
      pair.result = outcome == found.end() ? "done" : outcome->second;
      is_settled = is_settled && pair.result != "still waiting";
    }
    if (is_settled || clock.now() >= deadline) return;
    std::this_thread::sleep_for(k_poll);
  }
}

}  // namespace evd::evctl
