// PgQ's side of the comparison, by its SQL interface: a producer, the ticker, and a consumer. Each
// is a process of its own, with one connection.
#pragma once

#include <cstdint>
#include <string>

namespace evd::bench {

struct Done {
  std::int64_t events;
  double seconds;
};

// Writes batches of `batch` events into the queue's current table, as PgQ's own Python library does
// for bulk: pgq.insert_event for each would cost several times as much. Throws pg::Error.
Done pgq_write(const std::string& url, const std::string& queue, std::int64_t events, int batch);

// Calls pgq.ticker ten times a second until the process is ended. Throws pg::Error.
[[noreturn]] void pgq_tick(const std::string& url, const std::string& queue);

// Takes batches as a registered consumer and fetches their events to this process, until it has
// seen `events`; looks for the next batch every few milliseconds while there is none. Throws
// pg::Error.
Done pgq_consume(const std::string& url, const std::string& queue, const std::string& consumer,
                 std::int64_t events);

}  // namespace evd::bench
