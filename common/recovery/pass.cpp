#include "common/recovery/pass.hpp"

#include "common/alert/http_client.hpp"
#include "common/base/text.hpp"
#include "common/recovery/retention.hpp"

namespace evd::recovery {
namespace {

constexpr int k_page = 200;          // rows locked by one statement
constexpr int k_partition_days = 7;  // made ahead
constexpr std::chrono::minutes k_maintain_every{10};
constexpr std::chrono::minutes k_patience{5};  // what is wrong for so long is told
constexpr int k_retired_pages = 100;  // the rest is for the next time: others wait for the pass

int all_pages(const std::function<int()>& page) {
  int total = 0;
  for (int done = page(); done > 0; done = page()) total += done;
  return total;
}

}  // namespace

Pass::Pass(const RecoveryConfig& config, const Clock& clock, logging::Logger& logger)
    : config_(config),
      clock_(clock),
      logger_(logger),
      watch_(clock, logger, config.node_timeout, watch_time(config.node_timeout)) {}

void Pass::free_dead(journal::Journal& journal, PassCounts& counts) {
  counts.fenced += watch_.look(journal);
  const int freed = all_pages([&] { return journal.take_over(k_page); });
  if (freed > 0) logger_.info("took over from dead nodes", {{"freed", freed}});
  counts.taken_over += freed;
}

void Pass::note_late(journal::Journal& journal, PassCounts& counts) {
  all_pages([&] {
    const journal::Late late = journal.mark_late(config_.escalate_after, k_page);
    counts.timed_out += late.overdue;
    counts.stalled += late.stalled;
    return late.overdue + late.stalled;
  });
  journal.watch(k_patience);
}

void Pass::maintain(journal::Journal& journal) {
  if (maintained_at_ && clock_.now() < *maintained_at_ + k_maintain_every) return;
  if (const int made = journal.make_partitions(k_partition_days); made > 0) {
    logger_.info("made partitions", {{"count", made}});
  }
  retire_old(journal);
  maintained_at_ = clock_.now();
}

// Told when it changes: a partition that is kept is kept for as long as its events are unresolved.
void Pass::retire_old(journal::Journal& journal) {
  const Retired retired = retire(journal, config_.retention, k_retired_pages);
  if (!retired.dropped.empty()) {
    logger_.info("retention dropped partitions", {{"partitions", join(retired.dropped, " ")}});
  }
  if (retired.rows > 0) logger_.info("retention deleted rows", {{"rows", retired.rows}});
  std::map<std::string, std::string> kept;
  for (const auto& [name, why] : retired.kept) {
    if (kept_[name] != why)
      logger_.warn("retention keeps a partition", {{"partition", name}, {"reason", why}});
    kept[name] = why;
  }
  kept_ = std::move(kept);
}

void Pass::summarize(journal::Journal& journal) { journal.summarize_log(); }

void Pass::say_complete() {
  if (config_.heartbeat_url.empty()) return;
  if (const auto problem = alert::fetch(config_.heartbeat_url)) {
    logger_.warn("heartbeat_url could not be fetched", {{"reason", *problem}});
  }
}

}  // namespace evd::recovery
