// evd.events and evd.audit against queries that anybody can read: after each of many random steps,
// the view must say of every event what follows from who was given it, and what was recorded since.
#include <gmock/gmock.h>

#include <array>
#include <random>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

// public.given has what each claim gave to its node, at the time. No snapshot, no position of a
// window, no total.
constexpr const char* k_pairs = R"(
  select e.id, e.xid, r.event_name, r.expected, x.handler, x.ordinal,
         greatest(e.created_at, e.due_at) + r.deadline < statement_timestamp() as is_late,
         coalesce(d.state, case
           when w.id is null then 'new'
           when e.due_at > w.opened_at then case when w.closed_at is null then 'new' else 'done' end
           when w.closed_at is null then
             case when p.state = 'done' and (e.xid, e.id) <= (p.upto_xid, p.upto_id) then 'done' else 'new' end
           when p.state = 'deferred' and (e.xid, e.id) > (p.upto_xid, p.upto_id) then 'deferred'
           else 'done' end) as state
  from evd.event e
  join evd.route r on r.id = e.route_id
  left join unnest(r.expected) with ordinality x (handler, ordinal) on true
  left join public.given g on g.event_id = e.id
  left join evd.event_window w on w.id = g.window_id
  left join evd.window_part p on p.window_id = w.id and p.handler = x.handler
  left join evd.delivery d on d.event_id = e.id and d.handler = x.handler)";

constexpr const char* k_events = R"(
  select p.id, p.event_name, p.expected,
         case when bool_or(p.state = 'escalated') then 3
              when bool_and(p.handler is null or p.state in ('done', 'resolved')) then 2
              when bool_or(p.is_late) then 1
              else 0 end as status,
         coalesce(array_agg(p.handler order by p.ordinal) filter (where p.handler is not null and p.state = 'done'), '{}')
           as done,
         coalesce(array_agg(p.handler order by p.ordinal) filter (where p.state = 'resolved'), '{}') as resolved
  from pairs p group by p.id, p.event_name, p.expected)";

class Equivalence : public LogFixture, public ::testing::WithParamInterface<unsigned> {
 protected:
  Equivalence() {
    make_route(connection, "hasty", {"lottery", "sqlCoupon", "mail"});
    make_route(connection, "noted", {});
    connection.query("update evd.route set deadline = '1 microsecond' where event_name = 'hasty'");
    connection.query("create table public.given (event_id bigint primary key, window_id bigint)");
    connection.query("create table public.seen (id bigint)");
  }

  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  bool one_in(int chances) { return below(chances) == 0; }

  std::string emit_call() {
    static constexpr std::array k_names = {"purchased", "purchased", "hasty", "noted"};
    static constexpr std::array k_times = {"null", "null", "null", "now() + interval '1 hour'",
                                           "now() - interval '1 hour'"};
    return std::string("select evd.emit('") + k_names.at(below(4)) + "', deliver_at => " +
           k_times.at(below(5)) + ")";
  }

  void emit_some() {
    for (int i = 0; i <= below(4); ++i) connection.query(emit_call());
  }

  // Transactions that stay open over other steps, and end in any order.
  void emit_in_a_transaction() {
    const int which = below(3);
    if (!in_transaction_.at(which)) emitters_.at(which).query("begin");
    in_transaction_.at(which) = true;
    emitters_.at(which).query(emit_call());
  }

  void end_a_transaction() {
    const int which = below(3);
    if (in_transaction_.at(which)) emitters_.at(which).query(one_in(3) ? "rollback" : "commit");
    in_transaction_.at(which) = false;
  }

  void claim_some() {
    const auto claimed = connection.query("select id, events from evd.claim($1, 7, $2)",
                                          pg::params(node, 1 + below(4)));
    if (claimed.empty()) return;
    const auto given = connection.query(
        "insert into public.given select e.id, $1 from evd.window_events($1) e returning 1",
        pg::params(claimed.int64(0, 0)));
    EXPECT_EQ(given.rows(), claimed.int64(0, 1));
  }

  // 0 when the node has none.
  std::int64_t open_window() {
    const auto open = connection.query(
        "select id from evd.event_window where closed_at is null and node_id = $1 order by id",
        pg::params(node));
    return open.empty() ? 0 : open.int64(below(open.rows()), 0);
  }

  // Puts some handlers off, and reports some pairs of the others as not done; the rest is done.
  void close_one() {
    window = open_window();
    if (window == 0) return;
    static constexpr std::array k_put_off = {"{}", "{}", "{lottery}", "{sqlCoupon}",
                                             "{lottery,mail}"};
    const std::string put_off = k_put_off.at(below(5));
    const auto pairs = connection.query(
        "select e.id, x.handler from evd.window_events($1) e join evd.event_window w on w.id = $1"
        " join evd.route r on r.id = e.route_id cross join unnest(r.expected) x (handler)"
        " where x.handler not like 'sql%' and x.handler <> all ($2::text[])"
        " and (e.due_at is null or e.due_at <= w.opened_at) order by 1, 2",
        pg::params(window, put_off));
    static constexpr std::array k_states = {"queued", "running", "retry", "failed"};
    std::string reported;
    for (int row = 0; row < pairs.rows(); ++row) {
      if (one_in(2)) continue;
      reported += "(" + pairs.string(row, 0) + "," + pairs.string(row, 1) + "," +
                  k_states.at(below(4)) + ")";
    }
    EXPECT_EQ(close(reported, put_off), "closed");
  }

  void run_sql() {
    window = open_window();
    if (window == 0) return;
    const auto next = connection.query(
        "select 'sqlCoupon' = any (r.expected) and (e.due_at is null or e.due_at <= w.opened_at)"
        " from evd.event_window w left join evd.window_part p"
        " on p.window_id = w.id and p.handler = 'sqlCoupon'"
        " cross join lateral evd.window_events(w.id, coalesce(p.upto_xid, '0'),"
        "  coalesce(p.upto_id, -1), 1) e join evd.route r on r.id = e.route_id where w.id = $1",
        pg::params(window));
    if (!next.empty() && next.boolean(0, 0) && one_in(3)) {
      connection.query("select evd.fail_sql_event($1, 'sqlCoupon', $2, 7, 'boom', $3, null)",
                       pg::params(window, node, one_in(2)));
    } else {
      connection.query(
          "select evd.run_sql_batch($1, 'sqlCoupon', $2, 7,"
          " 'insert into public.seen values (($1 ->> ''id'')::bigint)', null, $3)",
          pg::params(window, node, 1 + below(2)));
    }
  }

  void work_off_a_part() {
    static constexpr std::array k_handlers = {"lottery", "sqlCoupon", "mail"};
    const auto part = connection.query(
        "select p.window_id, p.handler, e.xid, e.id from evd.take_part($1, 7, array[$2]) p"
        " left join lateral evd.window_events(p.window_id, p.upto_xid, p.upto_id, 2) e on true"
        " order by e.xid desc, e.id desc limit 1",
        pg::params(node, k_handlers.at(below(3))));
    if (part.empty()) return;
    // Up to there, or to its end; sometimes it stays leased for a takeover to find.
    if (one_in(5)) return;
    const bool to_the_end = part.is_null(0, 2) || one_in(3);
    connection.query(
        "select evd.close_part($1, $2, $3, 7, $4::xid8, $5::bigint, '{}', '{}', '{}', '{}')",
        pg::params(part.int64(0, 0), part.string(0, 1), node,
                   to_the_end ? std::nullopt : part.optional_string(0, 2),
                   to_the_end ? std::nullopt : part.optional_string(0, 3)));
  }

  void run_deliveries() {
    connection.query(
        "update evd.delivery set next_at = now() where state = 'waiting' and event_id % 3 = $1",
        pg::params(below(3)));
    const auto taken = connection.query(
        "select (event).id, handler, run from evd.take_deliveries($1, '{lottery,sqlCoupon,mail}',"
        " '{3,2,2}', false, '0')",
        pg::params(node));
    static constexpr std::array k_outcomes = {"done", "done", "retry", "failed", "handed_back"};
    for (int row = 0; row < taken.rows(); ++row) {
      if (one_in(4)) continue;  // it goes on running
      finish(taken.int64(row, 0), static_cast<int>(taken.int64(row, 2)), k_outcomes.at(below(5)),
             taken.string(row, 1));
    }
  }

  void act() {
    const auto any = connection.query("select id from evd.event order by id");
    if (any.empty()) return;
    const std::int64_t id = any.int64(below(any.rows()), 0);
    if (one_in(3)) {
      connection.query("select evd.resolve($1, p_why => 'x')", pg::params(id));
    } else {
      connection.query("select evd.re_emit($1, p_all => $2)", pg::params(id, one_in(2)));
    }
  }

  void lose_the_node() {
    kill_node();
    take_over();
    node = add_node("another");
  }

  void change_a_route() {
    static int next = 0;
    make_route(connection, "purchased",
               next++ % 2 == 0 ? std::vector<std::string>{"lottery"}
                               : std::vector<std::string>{"sqlCoupon", "lottery"});
  }

  void step() {
    using Step = void (Equivalence::*)();
    static constexpr std::array<Step, 20> k_steps = {&Equivalence::emit_some,
                                                     &Equivalence::emit_some,
                                                     &Equivalence::emit_some,
                                                     &Equivalence::emit_in_a_transaction,
                                                     &Equivalence::emit_in_a_transaction,
                                                     &Equivalence::end_a_transaction,
                                                     &Equivalence::end_a_transaction,
                                                     &Equivalence::claim_some,
                                                     &Equivalence::claim_some,
                                                     &Equivalence::claim_some,
                                                     &Equivalence::claim_some,
                                                     &Equivalence::close_one,
                                                     &Equivalence::close_one,
                                                     &Equivalence::run_sql,
                                                     &Equivalence::run_sql,
                                                     &Equivalence::work_off_a_part,
                                                     &Equivalence::run_deliveries,
                                                     &Equivalence::act,
                                                     &Equivalence::lose_the_node,
                                                     &Equivalence::change_a_route};
    (this->*k_steps.at(below(k_steps.size())))();
  }

  // What one has and the other has not, as rows; "" when they are the same.
  std::string difference(const std::string& where) {
    const std::string with = std::string("with pairs as (") + k_pairs + "), naive as (" + k_events +
                             "), view as (select v.id, v.event_name, v.expected, v.status, v.done, "
                             "v.resolved from evd.events v " +
                             where + ")";
    return rows(connection, with +
                                " (select 'view', v.* from (select * from view except all select *"
                                " from naive v " +
                                where +
                                ") v) union all"
                                " (select 'naive', n.* from (select * from naive v " +
                                where + " except all select * from view) n) order by 2, 1");
  }

  std::string naive_audit() {
    return rows(connection, std::string("with pairs as (") + k_pairs +
                                ") select count(handler), count(*) filter (where handler is not "
                                "null and state = 'done'),"
                                " count(*) filter (where state = 'resolved'),"
                                " count(*) filter (where handler is not null and state in"
                                "  ('new', 'deferred', 'waiting', 'running')),"
                                " count(*) filter (where state = 'escalated'), 0 from pairs");
  }

  // In whole, by one of the conditions that leave arms of the view out, and by an id.
  void compare() {
    static constexpr std::array k_conditions = {"where v.status = 0",  "where v.status = 1",
                                                "where v.status = 2",  "where v.status = 3",
                                                "where v.status <> 2", "where v.status in (1, 3)"};
    const std::int64_t id = 1 + below(60);
    for (const std::string& where : {std::string(), std::string(k_conditions.at(below(6))),
                                     "where v.id = " + std::to_string(id)}) {
      ASSERT_EQ(difference(where), "") << where;
    }
    ASSERT_EQ(audit(), naive_audit());
    ASSERT_EQ(value(connection, "select evd.show($1) -> 'status'", pg::params(id)),
              value(connection, "select status from evd.events where id = $1", pg::params(id)));
  }

 private:
  std::mt19937 random_{GetParam()};
  std::array<pg::Connection, 3> emitters_ = {database.connect(), database.connect(),
                                             database.connect()};
  std::array<bool, 3> in_transaction_ = {};
};

TEST_P(Equivalence, HoldsAfterEveryStep) {
  for (int i = 0; i < 120; ++i) {
    step();
    compare();
    ASSERT_FALSE(HasFatalFailure()) << "step " << i;
  }
  // Looked at one by one, nothing is amiss but what this test ran before its time.
  EXPECT_EQ(rows(connection,
                 "select * from evd.audit_missing(p_full => true) where why not like 'due later%'"),
            "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, Equivalence, ::testing::Values(1U, 2U));

}  // namespace
}  // namespace evd::test
