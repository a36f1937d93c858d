// Proof that nothing is lost, whatever is killed: real programs, a real PostgreSQL, and every run
// of every handler counted. The short forms run with the suite (label e2e), the long ones by
// `tests/run chaos`: the same tests with other numbers.
#include <signal.h>

#include <algorithm>

#include "tests/chaos/emitters.hpp"
#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

#ifdef EVD_CHAOS_LONG
constexpr int k_emitters = 30;
constexpr int k_kills = 20;
constexpr int k_restarts = 6;
constexpr std::size_t k_events = 4000;
constexpr int k_terminations = 60;
constexpr int k_connections = 330;
#else
constexpr int k_emitters = 10;
constexpr int k_kills = 3;
constexpr int k_restarts = 2;
constexpr std::size_t k_events = 300;
constexpr int k_terminations = 4;
constexpr int k_connections = 90;
#endif

using std::chrono::milliseconds;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// With a server of its own, which allows two-phase commits. Each test prints its seed.
class Chaos : public ::testing::Test {
 protected:
  void SetUp() override {
    std::cerr << "seed " << seed_ << "\n";
    for (const char* node : {"second", "third"}) shop.write_config(shop.settings(node), node);
  }

  // So that most are full, and more are claimed ahead.
  void take_small_windows() {
    for (const char* node : {"evd", "second"}) {
      Settings settings = shop.settings(node);
      settings["daemon"]["batch_size"] = "2";
      shop.write_config(settings, node);
    }
  }

  // Waits until so many more events were committed, so that what is killed is in the midst of work.
  bool wait_for_more(const Emitters& emitters, std::size_t count) {
    const std::size_t goal = emitters.committed() + count;
    return eventually([&] { return emitters.committed() >= goal; }, std::chrono::seconds{60});
  }

  // Waits for any moment: that is the point.
  double any_moment() {
    std::this_thread::sleep_for(milliseconds{random_() % 400});
    return now();
  }

  // In the log, of those whose commit nobody answered for.
  Ids found(const Ids& ids) {
    Ids found;
    for (const std::int64_t id : ids) {
      if (shop.number("select count(*) from evd.event where id = $1", pg::params(id)) == 1)
        found.push_back(id);
    }
    return found;
  }

  // None lost, none of what was rolled back run, sql handlers exactly once, the ledger balanced.
  // `kills`: when something was killed. Only what was unfinished then, or finished in the
  // spill_after (200 ms) and the window before, may have run twice.
  void expect_nothing_lost(Emitted emitted, const std::vector<double>& kills, double slack = 1.5) {
    const Ids doubtful = found(emitted.in_doubt);
    emitted.committed.insert(emitted.committed.end(), doubtful.begin(), doubtful.end());
    const Ids& ids = emitted.committed;
    EXPECT_TRUE(shop.wait_processed(ids, std::chrono::seconds{90}));
    EXPECT_EQ(shop.sql_tally(ids), Tally{});
    const Tally lottery = shop.exec_tally(ids);
    EXPECT_EQ(lottery.lost, 0);
    EXPECT_EQ(lottery.alien, 0) << "of a transaction that rolled back";
    EXPECT_EQ(lottery.early, 0);
    for (const double at : repeated_after()) {
      EXPECT_TRUE(std::any_of(kills.begin(), kills.end(), [&](double kill) {
        return at > kill - 0.2 - slack;
      })) << "ran twice, though it had ended long before anything was killed";
      if (kills.empty()) ADD_FAILURE() << "ran twice, and nothing was killed";
    }
    const RunResult audit = run({evd_binary("evctl"), "--database", shop.url(), "audit", "--full"});
    EXPECT_EQ(audit.exit, 0) << audit.out << audit.err;
  }

  // When the events that ended more than once ended first, as far as no kill came after.
  std::vector<double> repeated_after() const {
    std::map<std::string, std::vector<double>> ends;
    for (const std::string& line : shop.output()) {
      std::istringstream words(line);
      std::string verb, id, attempt, at;
      words >> verb >> id >> attempt >> at;
      if (verb == "end") ends[id].push_back(std::stod(at) / 1e9);
    }
    std::vector<double> first;
    for (const auto& [id, times] : ends) {
      if (times.size() > 1) first.push_back(*std::min_element(times.begin(), times.end()));
    }
    return first;
  }

  // The test's own connection is from before. Empty: not yet.
  std::string reconnect() {
    try {
      return shop.value("select 'connected'");
    } catch (const pg::Error&) {
      return "";
    }
  }

  int living_nodes() {
    return shop.number("select count(*) from evd.node where fenced_at is null");
  }

  // Every session of evd's, and of the applications.
  void end_sessions() {
    shop.value(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()");
  }

  PrivateCluster server{
      {"max_prepared_transactions=40", "max_connections=" + std::to_string(k_connections - 10)}};
  Shop shop{server.url()};
  unsigned seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
};

TEST_F(Chaos, EmittersOfEveryShapeAndOneLongTransactionAgainstThreeNodes) {
  const Program nodes[] = {shop.start_evd(), shop.start_evd("second"), shop.start_evd("third")};
  pg::Connection slow = server.connect();
  slow.query("begin");
  const std::int64_t late = slow.query("select evd.emit('purchased')").int64(0, 0);
  Emitters emitters(shop.url(), k_emitters, seed_, true, milliseconds{40});
  ASSERT_TRUE(wait_for_more(emitters, k_events));
  // The log was read far beyond it while it was open.
  ASSERT_TRUE(
      eventually([&] { return shop.number("select count(*) from evd.event_window") > 10; }));
  Emitted emitted = emitters.stop();
  slow.query("commit");
  emitted.committed.push_back(late);
  expect_nothing_lost(emitted, {});
}

TEST_F(Chaos, NodesKilledAtAnyMomentLoseNothing) {
  take_small_windows();
  Program nodes[] = {shop.start_evd(), shop.start_evd("second")};
  const char* const names[] = {"evd", "second"};
  Emitters emitters(shop.url(), 4, seed_, true, milliseconds{60});
  std::vector<double> kills;
  for (int kill = 0; kill < k_kills; ++kill) {
    ASSERT_TRUE(wait_for_more(emitters, 20));
    kills.push_back(any_moment());
    const std::size_t which = random_() % 2;
    nodes[which]->signal_group(SIGKILL);
    EXPECT_EQ(nodes[which]->wait(), 128 + SIGKILL);
    nodes[which] = shop.start_evd(names[which]);
  }
  expect_nothing_lost(emitters.stop(), kills);
}

TEST_F(Chaos, RecoveryPassesKilledInTheirMidstLoseNothing) {
  shop.apply();
  Emitters emitters(shop.url(), 4, seed_, true, milliseconds{60});
  std::vector<double> kills;
  for (int kill = 0; kill < k_kills; ++kill) {
    ASSERT_TRUE(wait_for_more(emitters, 20));
    const int before = shop.count("start");
    const Program pass = shop.launch("evrecover");
    ASSERT_TRUE(eventually([&] { return shop.count("start") > before || !pass->running(); }));
    kills.push_back(any_moment());
    pass->signal_group(SIGKILL);
    pass->wait();
  }
  const Emitted emitted = emitters.stop();
  const RunResult last = shop.evrecover({"--until-idle", "--max-runtime", "60s"});
  EXPECT_EQ(last.exit, 0) << last.err;
  expect_nothing_lost(emitted, kills);
}

TEST_F(Chaos, ServerKilledUnderLoadLosesNothingThatWasCommitted) {
  const Program nodes[] = {shop.start_evd(), shop.start_evd("second")};
  Emitters emitters(shop.url(), 4, seed_, false, milliseconds{60});
  std::vector<double> kills;
  for (int restart = 0; restart < k_restarts; ++restart) {
    ASSERT_TRUE(wait_for_more(emitters, 40));
    kills.push_back(any_moment());
    if (restart % 2 == 0) {
      server.kill();
    } else {
      server.stop(pg::StopMode::k_immediate);
    }
    server.start();
    kills.push_back(now());  // reports of what ended meanwhile wait for it
    ASSERT_TRUE(
        eventually([&] { return shop.http_status("/readyz") == 200; }, std::chrono::seconds{30}))
        << nodes[0]->err();
  }
  const Emitted emitted = emitters.stop();
  EXPECT_TRUE(nodes[0]->running() && nodes[1]->running());
  ASSERT_TRUE(eventually([&] { return !reconnect().empty(); }));
  expect_nothing_lost(emitted, kills, 3.0);
}

// Claims commit asynchronously, so what the server lost of them is handed out again, and the frozen
// node's close comes when others have it.
TEST_F(Chaos, ServerAwayForLongerThanANodeMayBeAndALateCloseLoseNothing) {
  const Program nodes[] = {shop.start_evd(), shop.start_evd("second")};
  Emitters emitters(shop.url(), 4, seed_, false, milliseconds{60});
  std::vector<double> kills;
  for (int restart = 0; restart < k_restarts; ++restart) {
    ASSERT_TRUE(wait_for_more(emitters, 40));
    kills.push_back(any_moment());
    nodes[0]->signal(SIGSTOP);
    server.kill();
    std::this_thread::sleep_for(milliseconds{1500});  // node_timeout is one second
    server.start();
    eventually([&] { return !reconnect().empty(); });
    ASSERT_TRUE(eventually([&] { return living_nodes() == 1; })) << nodes[1]->err();
    kills.push_back(now());
    nodes[0]->signal(SIGCONT);
    ASSERT_TRUE(eventually([&] { return living_nodes() == 2; })) << nodes[0]->err();
  }
  expect_nothing_lost(emitters.stop(), kills, 3.0);
}

TEST_F(Chaos, NodesFrozenAmidBatchesAndWokenAfterTheirTakeoverLoseNothing) {
  shop.value("insert into shop.slow values (0.01) returning seconds");
  const Program nodes[] = {shop.start_evd(), shop.start_evd("second")};
  Emitters emitters(shop.url(), 4, seed_, true, milliseconds{60});
  std::vector<double> kills;
  for (int round = 0; round < k_restarts; ++round) {
    ASSERT_TRUE(wait_for_more(emitters, 20));
    ASSERT_TRUE(eventually([&] {
      return shop.number(
                 "select count(*) from pg_stat_activity where application_name like 'evd%' "
                 "and query like '%run_sql_batch%' and state = 'active'") > 0;
    }));
    ChildProcess& frozen = *nodes[round % 2];
    kills.push_back(now());
    frozen.signal(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return living_nodes() == 1; }));
    ASSERT_TRUE(wait_for_more(emitters, 20));
    kills.push_back(now());
    frozen.signal(SIGCONT);
    ASSERT_TRUE(eventually([&] { return living_nodes() == 2; })) << frozen.err();
  }
  expect_nothing_lost(emitters.stop(), kills);
}

TEST_F(Chaos, EverySessionEndedTwiceASecondLosesNothing) {
  take_small_windows();
  const Program nodes[] = {shop.start_evd(), shop.start_evd("second")};
  Emitters emitters(shop.url(), 4, seed_, false, milliseconds{60});
  std::vector<double> kills;
  for (int round = 0; round < k_terminations; ++round) {
    std::this_thread::sleep_for(milliseconds{500});
    kills.push_back(now());
    end_sessions();
  }
  ASSERT_TRUE(wait_for_more(emitters, 20));
  expect_nothing_lost(emitters.stop(), kills);
  EXPECT_EQ(shop.number("select count(*) from evd.attempt where handler = 'giveCoupon'"), 0)
      << "an administrator's command is no failure of a handler";
}

// Somebody holds every connection that the server has while evd needs new ones.
TEST_F(Chaos, AServerWithoutAFreeConnectionLosesNothing) {
  const Program nodes[] = {shop.start_evd(), shop.start_evd("second")};
  Emitters emitters(shop.url(), 4, seed_, true, milliseconds{60});
  ASSERT_TRUE(wait_for_more(emitters, 20));
  const std::vector<double> kills = {now()};
  std::vector<pg::Connection> idle;
  shop.value(
      "select count(pg_terminate_backend(pid)) from pg_stat_activity "
      "where application_name = 'evd heartbeat' or application_name = 'evd'");
  bool is_full = false;
  for (int i = 0; i < k_connections && !is_full; ++i) {
    try {
      idle.push_back(server.connect());
    } catch (const pg::Error& error) {
      EXPECT_EQ(error.sqlstate(), "53300") << error.what();
      is_full = true;
    }
  }
  ASSERT_TRUE(is_full);
  ASSERT_TRUE(wait_for_more(emitters, 20));
  idle.clear();
  ASSERT_TRUE(wait_for_more(emitters, 20));
  expect_nothing_lost(emitters.stop(), kills);
}

TEST_F(Chaos, PausesReEmitsAndAppliesWhileNodesAreKilledLoseNothing) {
  Program node = shop.start_evd();
  Emitters emitters(shop.url(), 4, seed_, true, milliseconds{60});
  std::vector<double> kills;
  for (int round = 0; round < k_kills; ++round) {
    ASSERT_TRUE(wait_for_more(emitters, 15));
    shop.value("select evd.pause('giveCoupon')");
    ASSERT_TRUE(wait_for_more(emitters, 5));
    shop.value(
        "select count(*) from evd.re_emit_many(array(select id from evd.event order by id desc "
        "limit 20))");
    shop.apply();
    kills.push_back(now());
    node->signal_group(SIGKILL);
    node->wait();
    shop.value("select evd.resume('giveCoupon')");
    node = shop.start_evd();
  }
  expect_nothing_lost(emitters.stop(), kills);
}

}  // namespace
}  // namespace evd::test
