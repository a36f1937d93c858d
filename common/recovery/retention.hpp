// Retention: dropping what was emitted long ago and is over. What is unresolved is kept, with all
// that was written about it, however old it is.
#pragma once

#include <vector>

#include "common/journal/journal.hpp"

namespace evd::recovery {

struct Retired {
  std::vector<std::string> dropped;         // partitions, oldest first
  std::vector<journal::OldPartition> kept;  // and why
  int rows = 0;                             // deleted one by one
  bool is_complete = true;                  // false: more rows are left for the next time
};

// Drops the partitions that are older than `age` and deletes up to `max_pages` pages of rows about
// what is gone. Each step is a short transaction of its own; a partition that is in use is left to
// the next time.
Retired retire(journal::Journal& journal, Milliseconds age, int max_pages);

}  // namespace evd::recovery
