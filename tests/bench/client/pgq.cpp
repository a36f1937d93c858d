#include "tests/bench/client/pgq.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include "common/pg/connection.hpp"
#include "common/pg/transaction.hpp"

namespace evd::bench {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds k_tick{100};
constexpr milliseconds k_no_batch{5};

pg::Connection open(const std::string& url) {
  pg::ConnectOptions options;
  options.url = url;
  return pg::Connection::open(options);
}

double seconds_since(steady_clock::time_point began) {
  return std::chrono::duration<double>(steady_clock::now() - began).count();
}

std::vector<std::string> payload_of(int events) {
  std::vector<std::string> payload;
  for (int i = 1; i <= events; ++i) {
    const std::string number = std::to_string(i);
    payload.push_back("[\"user " + number + "\", " + number + "]");
  }
  return payload;
}

}  // namespace

Done pgq_write(const std::string& url, const std::string& queue, std::int64_t events, int batch) {
  pg::Connection connection = open(url);
  const std::vector<std::string> payload = payload_of(batch);
  const auto began = steady_clock::now();
  std::int64_t written = 0;
  for (; written < events; written += batch) {
    pg::Transaction transaction(connection);
    // The table is asked for each time, since PgQ rotates three of them.
    const std::string table =
        connection.query("select pgq.current_event_table($1)", pg::params(queue)).string(0, 0);
    connection.query(
        "insert into " + table +
            " (ev_time, ev_type, ev_data) select now(), 'benched', e from unnest($1) e",
        pg::params(payload));
    transaction.commit();
  }
  return {written, seconds_since(began)};
}

void pgq_tick(const std::string& url, const std::string& queue) {
  pg::Connection connection = open(url);
  for (auto next = steady_clock::now();; next += k_tick) {
    std::this_thread::sleep_until(next);
    connection.query("select pgq.ticker($1)", pg::params(queue));
  }
}

Done pgq_consume(const std::string& url, const std::string& queue, const std::string& consumer,
                 std::int64_t events) {
  pg::Connection connection = open(url);
  const auto began = steady_clock::now();
  std::int64_t seen = 0;
  while (seen < events) {
    const auto batch =
        connection.query("select pgq.next_batch($1, $2)", pg::params(queue, consumer))
            .optional_int64(0, 0);
    if (!batch) {
      std::this_thread::sleep_for(k_no_batch);
      continue;
    }
    seen += connection
                .query(
                    "select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1 "
                    "from pgq.get_batch_events($1)",
                    pg::params(*batch), pg::Format::k_binary)
                .rows();
    connection.query("select pgq.finish_batch($1)", pg::params(*batch));
  }
  return {seen, seconds_since(began)};
}

}  // namespace evd::bench
