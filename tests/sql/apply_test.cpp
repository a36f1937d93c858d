// Bringing a configuration into the database.
#include "common/schema/apply.hpp"

#include <gmock/gmock.h>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Apply : public LogFixture {
 protected:
  Apply() {
    config.handlers["sqlCoupon"].name = "sqlCoupon";
    config.handlers["lottery"].name = "lottery";
    config.handlers["lottery"].kind = HandlerKind::k_exec;
    config.events["purchased"].name = "purchased";
    config.events["purchased"].handlers = {"sqlCoupon", "lottery"};
  }

  Config config;
};

TEST_F(Apply, WritesNothingWhereNothingDiffers) {
  EXPECT_TRUE(schema::apply(connection, config).is_empty());
  EXPECT_EQ(number(connection, "select count(*) from evd.route"), 1);
  EXPECT_THAT(schema::drift(connection, config), IsEmpty());
}

TEST_F(Apply, GivesAChangedEventANewRouteAndOldEventsKeepTheirs) {
  emit();
  config.events["purchased"].handlers = {"lottery"};
  config.events["purchased"].deadline = Milliseconds{120'000};
  EXPECT_THAT(schema::drift(connection, config), ElementsAre(HasSubstr("\"purchased\" differs")));
  const auto plan = schema::plan_apply(connection, config);
  ASSERT_EQ(plan.events.size(), 1U);
  EXPECT_EQ(plan.events[0].kind, schema::Change::Kind::k_changed);
  EXPECT_EQ(plan.events[0].outstanding, 2);
  EXPECT_EQ(number(connection, "select count(*) from evd.route"), 1);
  schema::apply(connection, config, {.actor = "ann"});
  EXPECT_EQ(rows(connection, "select expected, is_current, deadline from evd.route order by id"),
            "{sqlCoupon,lottery}|f|00:05:00\n{lottery}|t|00:02:00");
  EXPECT_EQ(status(1), "0|emitted|{}|{}");
  EXPECT_EQ(value(connection, "select expected from evd.events"), "{sqlCoupon,lottery}");
  EXPECT_EQ(rows(connection, "select actor, why from evd.action order by id desc limit 1"),
            "evd (ann)|event purchased changed");
}

TEST_F(Apply, ChangesAHandlersPolicyAndKeepsItsSwitches) {
  connection.query("select evd.pause('lottery')");
  config.handlers["lottery"].max_attempts = 3;
  config.handlers["lottery"].retry = RetryBy::k_cron;
  config.handlers["lottery"].backoff.factor = 1.5;
  const auto plan = schema::apply(connection, config);
  ASSERT_EQ(plan.handlers.size(), 1U);
  EXPECT_THAT(plan.handlers[0].after, HasSubstr("\"max_attempts\":3"));
  EXPECT_EQ(rows(connection,
                 "select max_attempts, retry, backoff_factor, paused_at is not null"
                 " from evd.handler where name = 'lottery'"),
            "3|cron|1.5|t");
}

TEST_F(Apply, SetsHowLongDedupKeysAreKept) {
  config.recovery.dedup_retention = Milliseconds{3'600'000};
  EXPECT_EQ(schema::apply(connection, config).settings.size(), 1U);
  EXPECT_EQ(value(connection, "select dedup_retention from evd.meta"), "01:00:00");
}

TEST_F(Apply, ListsWhatTheFileLacksAndLeavesIt) {
  make_route(connection, "quiet", {});
  emit();
  config.events.clear();
  const auto plan = schema::apply(connection, config);
  EXPECT_TRUE(plan.is_empty());
  EXPECT_THAT(plan.missing_events, ElementsAre("purchased", "quiet"));
  EXPECT_THAT(plan.lately_emitted, ElementsAre("purchased"));
  EXPECT_EQ(number(connection, "select count(*) from evd.route where is_current"), 2);
}

TEST_F(Apply, PrunesOnlyWhatHasNothingOutstanding) {
  emit();
  run_window("", "{lottery}");
  config.events.clear();
  try {
    schema::apply(connection, config, {.prune = true});
    FAIL() << "it was pruned";
  } catch (const pg::Error& error) {
    EXPECT_EQ(error.sqlstate(), "VE030");
    EXPECT_EQ(error.primary(),
              "event \"purchased\" cannot be removed: 1 of its pairs are outstanding");
  }
  connection.query("delete from evd.window_part");
  const auto plan = schema::apply(connection, config, {.prune = true});
  ASSERT_EQ(plan.events.size(), 1U);
  EXPECT_EQ(plan.events[0].kind, schema::Change::Kind::k_removed);
  EXPECT_THROW(emit(), pg::Error);
  EXPECT_EQ(status(1), "2|processed|{sqlCoupon,lottery}|{}");
}

TEST_F(Apply, RefusesAHandlerThatIsNotDefined) {
  config.events["purchased"].handlers.push_back("crm");
  try {
    schema::apply(connection, config);
    FAIL();
  } catch (const pg::Error& error) {
    EXPECT_EQ(error.sqlstate(), "VE003");
    EXPECT_EQ(error.primary(), "event \"purchased\": no such handler: \"crm\"");
  }
}

TEST_F(Apply, TellsTheDatabaseNoSecrets) {
  config.handlers["lottery"].command = {"/bin/secret-command"};
  config.handlers["lottery"].env["KEY"] = "secret-value";
  config.handlers["lottery"].http.secrets = {"secret-key"};
  config.handlers["sqlCoupon"].sql = "select secret($1)";
  EXPECT_THAT(schema::routes_json(config), ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace evd::test
