// Each role can do its job, and nothing else.
#include <gmock/gmock.h>

#include "common/schema/check.hpp"
#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

class Roles : public LogFixture {
 protected:
  Roles() {
    emit();
    run_window("(1,lottery,failed)", "{sqlCoupon}");
  }

  // "" when the role may; else the SQLSTATE.
  std::string as(const std::string& role, const std::string& sql) {
    auto own = database.connect({{"role", role}});
    try {
      own.query(sql);
    } catch (const pg::Error& error) {
      return error.sqlstate();
    }
    return {};
  }

  static constexpr auto k_denied = "42501";
};

TEST_F(Roles, EmitterEmits) {
  for (const auto* sql :
       {"select evd.emit('purchased', '[1]', dedup_key => 'k')",
        "select evd.emit_many('[{\"event_name\": \"purchased\"}]')",
        "insert into evd.events (event_name, args) values ('purchased', '[1]') returning id"})
    EXPECT_EQ(as("evd_emitter", sql), "") << sql;
}

TEST_F(Roles, EmitterDoesNothingElse) {
  for (const auto* sql :
       {"select * from evd.events", "select args from evd.events", "select * from evd.event",
        "select * from evd.deliveries", "select * from evd.route",
        "insert into evd.event (route_id) values (1)", "select evd.re_emit(1)",
        "select evd.claim(1, 1, 1)", "select evd.show(1)", "select evd.status_report()",
        "select evd.pause('lottery')", "select evd.apply('{}')", "select evd.wake()",
        "select setval('evd.sleeper', 1)"})
    EXPECT_EQ(as("evd_emitter", sql), k_denied) << sql;
}

TEST_F(Roles, ReaderLooks) {
  for (const auto* sql :
       {"select * from evd.events", "select * from evd.events where status = 3",
        "select * from evd.deliveries", "select evd.show(1)", "select evd.status_report()",
        "select * from evd.failures()", "select * from evd.audit()",
        "select * from evd.audit_missing()", "select evd.config_drift('{}')"})
    EXPECT_EQ(as("evd_reader", sql), "") << sql;
}

TEST_F(Roles, ReaderDoesNothingElse) {
  for (const auto* sql :
       {"select evd.emit('purchased')", "insert into evd.events (event_name) values ('purchased')",
        "select evd.re_emit(1)", "select evd.resolve(1, p_why => 'x')",
        "select evd.pause('lottery')", "update evd.handler set paused_at = now()",
        "select * from evd.dedup", "select evd.apply('{}')", "delete from evd.event_window"})
    EXPECT_EQ(as("evd_reader", sql), k_denied) << sql;
}

TEST_F(Roles, OperatorActs) {
  for (const auto* sql :
       {"select evd.emit('purchased')", "insert into evd.events (event_name) values ('purchased')",
        "select * from evd.events", "select evd.show(1)", "select evd.re_emit(1, 'lottery')",
        "select evd.re_emit_many('{1}')", "select evd.resolve(1, 'lottery', 'x')",
        "select evd.pause('lottery')", "select evd.resume('lottery')", "select * from evd.audit()",
        "select evd.status_report()", "select * from evd.alert",
        "select evd.alert_ack(1, '1 hour', 'ann')", "select evd.alert_message(1, true)",
        "select evd.apply('{\"events\": {\"noted\": {}}}')"})
    EXPECT_EQ(as("evd_operator", sql), "") << sql;
}

TEST_F(Roles, OperatorWritesNoTable) {
  for (const auto* sql :
       {"update evd.delivery set state = 'done'", "delete from evd.event_window",
        "update evd.route set expected = '{}'", "insert into evd.event (route_id) values (1)",
        "select evd.claim(1, 1, 1)", "select evd.start_over(e, 'lottery', false) from evd.event e",
        "select evd.apply_changes('[]', '')", "update evd.handler set paused_at = now()",
        "update evd.meta set instance = 'x'"})
    EXPECT_EQ(as("evd_operator", sql), k_denied) << sql;
}

TEST_F(Roles, WorkerRuns) {
  for (const auto* sql :
       {"select evd.register_node('n', 'evd', '1', '{}')", "select evd.heartbeat(1)",
        "select evd.emit('purchased')", "select evd.claim(1, 7, 10)",
        "select evd.take_part(1, 7, '{sqlCoupon}')",
        "select evd.take_deliveries(1, '{lottery}', '{1}', true, '0')",
        "select evd.finish_deliveries(1, '{1}', '{lottery}', '{2}', '{done}', '{null}', '{null}')",
        "select evd.arm()", "select evd.disarm()", "select evd.take_over(10)",
        "select evd.mark_overdue(10)", "select evd.mark_stalled('1 day', 10)",
        "select evd.make_partitions(9)", "select evd.unread_since()",
        "insert into evd.ingest_batch values (gen_random_uuid())", "select * from evd.events",
        "select * from evd.meta", "select evd.re_emit(1)", "select evd.show(1)"})
    EXPECT_EQ(as("evd_worker", sql), "") << sql;
}

TEST_F(Roles, WorkerChangesNoRoutes) {
  for (const auto* sql : {"update evd.route set expected = '{}'", "delete from evd.route",
                          "update evd.meta set instance = 'x'", "drop table evd.event",
                          "create table evd.x (a integer)", "alter table evd.event add x integer"})
    EXPECT_EQ(as("evd_worker", sql), k_denied) << sql;
}

TEST_F(Roles, EachCanCheckTheSchema) {
  for (const auto* role : {"evd_emitter", "evd_reader", "evd_operator", "evd_worker"}) {
    auto own = database.connect({{"role", role}});
    EXPECT_EQ(schema::check_schema(own, "test").instance, "test") << role;
  }
}

TEST_F(Roles, OwnerHasTheSchemaAndAllInIt) {
  EXPECT_EQ(rows(connection,
                 "select relname from pg_class where relnamespace = 'evd'::regnamespace"
                 " and relkind in ('r', 'p', 'v', 'S') and relowner <> 'evd_owner'::regrole"),
            "");
  EXPECT_EQ(rows(connection,
                 "select proname from pg_proc where pronamespace = 'evd'::regnamespace"
                 " and proowner <> 'evd_owner'::regrole"),
            "");
  EXPECT_EQ(value(connection, "select nspowner::regrole from pg_namespace where nspname = 'evd'"),
            "evd_owner");
}

TEST_F(Roles, PinTheSearchPathOfEverySecurityDefiner) {
  EXPECT_EQ(
      rows(connection,
           "select proname from pg_proc where pronamespace = 'evd'::regnamespace and prosecdef"
           " and not exists (select from unnest(proconfig) c where c like "
           "'search_path=pg_catalog%')"),
      "");
}

TEST_F(Roles, NothingIsLeftToThePublic) {
  const std::string role = database.name() + "_none";
  connection.query("create role " + role);
  EXPECT_EQ(as(role, "select evd.emit('purchased')"), k_denied);
  EXPECT_EQ(as(role, "select * from evd.events"), k_denied);
  connection.query("drop role " + role);
}

}  // namespace
}  // namespace evd::test
