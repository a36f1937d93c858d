// One libpq client that only reads what an `evd` before it took, in the same windows: the least
// that any consumer of these rows has to do.
#pragma once

#include <cstdint>
#include <string>

namespace evd::bench {

struct Read {
  std::int64_t events;
  double seconds;
};

// Reads every window after `after` (an id), each by one query, in the binary format, with the
// columns that evd itself reads. Throws pg::Error.
Read read_windows(const std::string& url, std::int64_t after);

}  // namespace evd::bench
