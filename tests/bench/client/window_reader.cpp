#include "tests/bench/client/window_reader.hpp"

#include <chrono>
#include <vector>

#include "common/pg/connection.hpp"

namespace evd::bench {

namespace {

constexpr const char* k_windows =
    "select coalesce(array_agg(id order by id), '{}') from evd.event_window where id > $1";
constexpr const char* k_read =
    "select e.id, e.xid, e.route_id, e.created_at, e.args::text, e.key, e.headers::text "
    "from evd.window_events($1) e";

}  // namespace

Read read_windows(const std::string& url, std::int64_t after) {
  pg::ConnectOptions options;
  options.url = url;
  pg::Connection connection = pg::Connection::open(options);
  const std::vector<std::int64_t> windows =
      connection.query(k_windows, pg::params(after)).int64_array(0, 0);
  Read read{0, 0};
  const auto began = std::chrono::steady_clock::now();
  for (const std::int64_t window : windows) {
    read.events += connection.query(k_read, pg::params(window), pg::Format::k_binary).rows();
  }
  read.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return read;
}

}  // namespace evd::bench
