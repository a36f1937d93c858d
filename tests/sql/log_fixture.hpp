// A log with one event, two handlers and a node, driven by SQL as a program would drive it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/evd_schema.hpp"

namespace evd::test {

class LogFixture : public ::testing::Test {
 protected:
  LogFixture() {
    make_route(connection, "purchased", {"sqlCoupon", "lottery"});
    node = add_node("one");
  }

  std::int64_t add_node(const std::string& name) {
    return number(connection, "select evd.register_node($1, 'evd', '1', '{sqlCoupon,lottery}')",
                  pg::params(name));
  }

  std::int64_t emit() { return number(connection, "select evd.emit('purchased')"); }

  // Takes all there is, as `node`, token 7.
  void claim() {
    window = number(connection, "select id from evd.claim($1, 7, 1000)", pg::params(node));
  }

  // Closes the window; `pairs` is like "(1,lottery,retry),(2,lottery,queued)", the error "boom".
  std::string close(const std::string& pairs = "", const std::string& deferred = "{}",
                    std::int64_t token = 7) {
    return value(connection,
                 "with p as (select m[1]::bigint as id, m[2] as handler, m[3] as state"
                 "  from regexp_matches($5, '\\((\\d+),(\\w+),(\\w+)\\)', 'g') m)"
                 " select evd.close_window($1, $2, $3, $4::text[],"
                 "  array_fill('0'::xid8, array[cardinality($4::text[])]),"
                 "  array_fill(-1::bigint, array[cardinality($4::text[])]),"
                 "  array(select id from p), array(select handler from p),"
                 "  array(select state from p), array(select 'boom' from p),"
                 "  array(select null::float8 from p), true)",
                 pg::params(window, node, token, deferred, pairs));
  }

  void run_window(const std::string& pairs = "", const std::string& deferred = "{}") {
    claim();
    ASSERT_EQ(close(pairs, deferred), "closed");
  }

  // Makes what waits due, and takes it: "event|run|attempts|suspect" by line.
  std::string take(const std::string& handler = "lottery", bool is_cron = false) {
    connection.query("update evd.delivery set next_at = now() where state = 'waiting'");
    return rows(connection,
                "select (event).id, run, attempts, suspect"
                " from evd.take_deliveries($1, array[$2], '{10}', $3, '0')",
                pg::params(node, handler, is_cron));
  }

  std::int64_t finish(std::int64_t event, int run, const std::string& outcome,
                      const std::string& handler = "lottery") {
    return number(connection,
                  "select evd.finish_deliveries($1, array[$2], array[$3], array[$4], array[$5],"
                  " array['boom'], array[null::float8])",
                  pg::params(node, event, handler, run, outcome));
  }

  std::string delivery(std::int64_t event, const std::string& handler = "lottery") {
    return rows(
        connection,
        "select state, run, attempts from evd.delivery where event_id = $1 and handler = $2",
        pg::params(event, handler));
  }

  // "status|state|done|resolved"
  std::string status(std::int64_t event) {
    return rows(connection, "select status, state, done, resolved from evd.events where id = $1",
                pg::params(event));
  }

  std::string alerts() {
    return rows(connection, "select kind, event_id, handler from evd.alert order by id");
  }

  void kill_node() {
    connection.query("select evd.fence_node(id, heartbeat_at) from evd.node where id = $1",
                     pg::params(node));
  }

  std::int64_t take_over() { return number(connection, "select evd.take_over(100)"); }

  // "emitted|done|resolved|outstanding|escalated|unaccounted"
  std::string audit() {
    return rows(connection,
                "select emitted, done, resolved, outstanding, escalated, unaccounted"
                " from evd.audit()");
  }

  EvdDatabase database;
  pg::Connection connection = database.connect();
  std::int64_t node = 0;
  std::int64_t window = 0;
};

}  // namespace evd::test
