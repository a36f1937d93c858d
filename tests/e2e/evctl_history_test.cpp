// export and replay: what was emitted, once more.
#include <gmock/gmock.h>

#include "tests/e2e/evctl_fixture.hpp"
#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class EvctlHistory : public InstalledEvctl {
 protected:
  // In the partition of that day, and with the position that it has today.
  void emit_on(const std::string& day, const std::string& args) {
    value(connection,
          "insert into evd.event (route_id, created_at, args)"
          " select id, $1::timestamptz, $2::jsonb from evd.route where event_name = 'purchased'",
          pg::params(day, args));
  }
  std::string all_events(pg::Connection& from) const {
    return rows(from,
                "select r.event_name, e.args, e.key, e.due_at, e.headers"
                " from evd.event e join evd.route r on r.id = e.route_id order by e.xid, e.id");
  }

  pg::Connection connection = database_.connect();
};

TEST_F(EvctlHistory, ExportsWhatAnotherDatabaseTakesBack) {
  value(connection, R"(select evd.emit('purchased', '["a\n\"", null, 12345678901234567890.50]',
                       key => 'k "1"', deliver_at => '2100-01-01Z', headers => '{"a": null}'))");
  value(
      connection,
      "select count(evd.emit('purchased', jsonb_build_array(i))) from generate_series(1, 2500) i");
  const auto exported = evctl({"export", "--since", "1h"});
  ASSERT_EQ(exported.exit, 0) << exported.err;

  const TestDatabase other;
  const auto other_evctl = [&](std::vector<std::string> args, const std::string& input = {}) {
    args.insert(args.begin(), {program(), "--database", other.url()});
    return run(std::move(args), {}, input);
  };
  ASSERT_EQ(other_evctl({"migrate"}).exit, 0);
  ASSERT_EQ(other_evctl({"--config", config(), "apply"}).exit, 0);
  const auto loaded = other_evctl({"emit", "--file", "-"}, exported.out);
  EXPECT_EQ(loaded.out, "2501 events emitted\n") << loaded.err;
  auto there = other.connect();
  EXPECT_EQ(all_events(there), all_events(connection));
}

TEST_F(EvctlHistory, ExportsARangeOverPartitions) {
  value(connection,
        "create table evd.event_a partition of evd.event"
        " for values from ('2026-01-01Z') to ('2026-01-02Z')");
  value(connection,
        "create table evd.event_b partition of evd.event"
        " for values from ('2026-01-02Z') to ('2026-01-03Z')");
  emit_on("2026-01-02T01:00:00Z", "2");
  emit_on("2026-01-01T00:00:00Z", "1");
  emit_on("2026-01-02T02:00:00Z", "4");
  emit_on("2025-12-31T23:59:59Z", "0");
  const auto exported = evctl({"export", "--since", "2026-01-01Z", "--until", "2026-01-02T02:00Z"});
  EXPECT_EQ(exported.out,
            "{\"event_name\": \"purchased\", \"args\": 2}\n"
            "{\"event_name\": \"purchased\", \"args\": 1}\n")
      << exported.err;
}

TEST_F(EvctlHistory, ExportsOfOneNameAndLargeEvents) {
  const std::string large = "\"" + std::string(900'000, 'x') + "\"";
  for (int i = 0; i < 20; ++i)
    value(connection, "select evd.emit('purchased', $1::jsonb)", pg::params(large));
  EXPECT_GT(evctl({"export", "--since", "1h", "--event", "purchased"}).out.size(), 18'000'000U);
  EXPECT_THAT(evctl({"export", "--since", "1h", "--event", "other"}).out, IsEmpty());
  EXPECT_EQ(evctl({"export"}).exit, 2);
  EXPECT_EQ(evctl({"export", "--since", "soon"}).exit, 2);
}

TEST_F(EvctlHistory, ReplaysWhatIsDoneUnderNewKeys) {
  for (int i = 0; i < 3; ++i) emit();
  take_all("failed", "no coupon left");
  emit();  // not taken: it is still to run
  const auto tried = evctl({"replay", "--handler", "lottery", "--since", "1h", "--dry-run"});
  EXPECT_EQ(tried.out, "4 would be replayed\n") << tried.err;
  EXPECT_EQ(number(connection, "select count(*) from evd.delivery where handler = 'lottery'"), 0);
  const auto replayed = evctl({"replay", "--handler", "lottery", "--since", "1h", "--until", "0s",
                               "--rate", "1000", "--event", "purchased"});
  EXPECT_EQ(replayed.exit, 0) << replayed.err;
  EXPECT_EQ(replayed.out, "3 of 4 events replayed; 1 are still to run as they are\n");
  EXPECT_EQ(rows(connection,
                 "select event_id, state, round from evd.delivery where handler = 'lottery'"
                 " order by 1"),
            "1|waiting|1\n2|waiting|1\n3|waiting|1");
  EXPECT_EQ(number(connection,
                   "select count(*) from evd.delivery where handler = 'giveCoupon'"
                   " and state = 'escalated'"),
            3)
      << "another handler's pair was touched";
}

TEST_F(EvctlHistory, ReplaysByPagesAndFromAnEventOn) {
  value(connection, "select count(evd.emit('purchased')) from generate_series(1, 25)");
  take_all("failed", "no coupon left");
  const auto replay = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"replay", "--handler", "lottery", "--since", "1h", "--json"});
    return evctl(flags);
  };
  EXPECT_EQ(parse(replay({"--rate", "20", "--after", "13"})),
            nlohmann::json::parse(
                R"({"dry_run": false, "events": 12, "replayed": 12, "still_running": 0})"));
  EXPECT_EQ(number(connection, "select min(event_id) from evd.delivery where handler = 'lottery'"),
            14);
}

TEST_F(EvctlHistory, ReplaysNothingThatIsNotThere) {
  emit();
  take_all("failed", "no coupon left");
  const auto unknown = evctl({"replay", "--handler", "loterry", "--since", "1h"});
  EXPECT_EQ(unknown.exit, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no event of that time expects \"loterry\""));
  EXPECT_EQ(evctl({"replay", "--handler", "lottery", "--since", "1h", "--after", "99"}).exit, 1);
  EXPECT_EQ(evctl({"replay", "--handler", "lottery", "--since", "1h", "--event", "other"}).exit, 1);
  EXPECT_EQ(evctl({"replay", "--handler", "lottery"}).exit, 2);
  EXPECT_EQ(evctl({"replay", "--handler", "lottery", "--since", "1h", "--rate", "0"}).exit, 2);
}

using Replay = DaemonTest;

TEST_F(Replay, HasEachHandlersEffectOnceMore) {
  const Program evd = shop.start_evd();
  const Ids ids = shop.emit(20);
  ASSERT_TRUE(shop.wait_processed(ids));
  for (const std::string handler : {"giveCoupon", "lottery"}) {
    // A pair is left alone while its window is open, which it may still be for a moment.
    EXPECT_TRUE(eventually([&] {
      return shop.number("select count(*) from evd.event_window where closed_at is null") == 0;
    }));
    const auto replayed = run({evd_binary("evctl"), "--config", shop.config_path(), "replay",
                               "--handler", handler, "--since", "1h"});
    EXPECT_EQ(replayed.out, "20 of 20 events replayed\n") << replayed.err;
  }
  EXPECT_TRUE(eventually([&] {
    return shop.number("select count(*) from evd.deliveries where state = 'done'") == 40;
  }));
  EXPECT_EQ(shop.sql_tally(ids), Tally{.repeated = 20});
  EXPECT_EQ(shop.exec_tally(ids), Tally{.repeated = 20});
  EXPECT_EQ(run({evd_binary("evctl"), "--config", shop.config_path(), "audit"}).exit, 0);
}

}  // namespace
}  // namespace evd::test
