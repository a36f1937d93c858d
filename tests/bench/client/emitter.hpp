// One libpq client that emits, in batches, as fast as it can or at a rate, and notes when some of
// what it emitted was committed. One thread, one connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace evd::bench {

struct EmitOptions {
  std::string url;
  int batch = 1000;              // events of one transaction, which the last of is a probe
  double rate = 0;               // events a second; 0: as fast as it can
  std::int64_t events = 0;       // stop after so many; 0: no end
  std::chrono::seconds time{0};  // stop after so long; 0: no end
  std::int64_t max_backlog = 0;  // pause while more events than these were not taken; 0: never
  std::string commits;           // a file for a line "id microseconds" of each probe; empty: none
};

struct Emitted {
  std::int64_t events;
  double seconds;
};

// A probe is an event named `probed`; the others are `benched`. The time noted is this machine's
// clock, in microseconds since 1970, when the client learned that its transaction had committed.
// Throws pg::Error, and evd::Error when the file cannot be written.
Emitted emit(const EmitOptions& options);

}  // namespace evd::bench
