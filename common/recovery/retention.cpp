#include "common/recovery/retention.hpp"

namespace evd::recovery {
namespace {

constexpr int k_page = 1000;  // rows of each kind

}  // namespace

Retired retire(journal::Journal& journal, Milliseconds age, int max_pages) {
  Retired retired;
  for (journal::OldPartition& partition : journal.old_partitions(age)) {
    if (partition.kept.empty()) partition.kept = journal.drop_partition(partition.name);
    if (partition.kept.empty()) {
      retired.dropped.push_back(partition.name);
    } else {
      retired.kept.push_back(std::move(partition));
    }
  }
  for (int page = 0; page < max_pages; ++page) {
    const int deleted = journal.prune(age, k_page);
    if (deleted == 0) return retired;
    retired.rows += deleted;
  }
  retired.is_complete = false;
  return retired;
}

}  // namespace evd::recovery
