// The programs die between any two of their statements, one place after the other, amid work of
// every kind. Which places there are they say themselves: a first run notes all that it comes to.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <set>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

#ifdef EVD_CHAOS_LONG
constexpr int k_visits = 3;  // dies when it comes there the first, second, third time
constexpr bool k_before = true;
#else
constexpr int k_visits = 1;
constexpr bool k_before = false;  // for the database the same as after the statement before
#endif

using Places = std::set<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Faults : public DaemonTest {
 protected:
  Faults() {
    Settings settings = shop.settings();
    settings["defaults"]["max_attempts"] = "1000";  // a death in the midst counts one
    settings["defaults"]["deadline"] = "'1s'";
    settings["handlers.strict"] = {{"sql", "'select shop.give_coupon($1)'"}, {"max_attempts", "2"}};
    settings["handlers.away"] = {{"exec", script("away", "exit 0")}};
    settings["handlers.slow"] = {{"exec", script("slow", "sleep 0.3")}, {"concurrency", "2"}};
    settings["events.refused"] = {{"handlers", R"(["strict"])"}};
    settings["events.elsewhere"] = {{"handlers", R"(["away"])"}};
    settings["events.slowly"] = {{"handlers", R"(["slow", "lottery"])"}};
    settings["alerts.pager"]["repeat"] = "'100ms'";
    shop.write_config(settings);
  }

  // A program of its own, which can be missing.
  std::string script(const std::string& name, const std::string& work) {
    const auto path = shop.file(name + "-program");
    std::ofstream(path) << "#!/bin/sh\n" << work << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return nlohmann::json({path.string()}).dump();
  }
  void uninstall() { rename(shop.file("away-program"), shop.file("away-elsewhere")); }
  void install() { rename(shop.file("away-elsewhere"), shop.file("away-program")); }
  static void rename(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code ignored;  // it may be there already
    std::filesystem::rename(from, to, ignored);
  }

  // Something of everything: what goes well, is slow, is due later, fails for good, is out of
  // reach.
  void emit_some() {
    uninstall();
    append(processed, shop.emit(5, "elsewhere"));
    append(purchased, shop.emit(3));
    append(processed, shop.emit(3, "slowly"));
    refused.push_back(shop.emit_one(R"({"error": 1})", "refused"));
    purchased.push_back(std::stoll(shop.value(
        "select evd.emit('purchased', deliver_at => clock_timestamp() + interval '200 ms')")));
    eventually([&] { return is_away(); }, milliseconds{300});
    install();
  }
  bool is_away() {
    return shop.value(
               "select breaker_opened_at is not null from evd.handler where name = 'away'") == "t";
  }
  static void append(Ids& to, const Ids& from) { to.insert(to.end(), from.begin(), from.end()); }

  // evd's session goes; it connects again and compares what it holds.
  void end_session() {
    shop.value(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where datname = current_database() and application_name = 'evd'");
  }

  Program start(const std::string& program, const std::string& variable, const std::string& value,
                const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> command = {evd_binary("../faulty/" + program), "--config",
                                        shop.config_path()};
    command.insert(command.end(), flags.begin(), flags.end());
    SpawnOptions options;
    options.env = {{variable, value}};
    return std::make_unique<ChildProcess>(std::move(command), options);
  }

  Places noted() const {
    Places places;
    std::ifstream file(shop.file("places"));
    for (std::string line; std::getline(file, line);) {
      if (k_before || line.starts_with("after ")) places.insert(line);
    }
    return places;
  }
  bool has_noted(const Places& wanted) const {
    const Places found = noted();
    return std::includes(found.begin(), found.end(), wanted.begin(), wanted.end());
  }

  bool is_all_over() {
    return shop.number("select count(*) from evd.events where status < 2") == 0 &&
           shop.number("select count(*) from evd.alert") == 0;
  }

  // Whatever died, and where: each is run, what is sql exactly once, nothing early, each escalation
  // told, and the ledger balanced.
  void expect_nothing_lost() {
    append(processed, purchased);
    EXPECT_TRUE(shop.wait_processed(processed, seconds{60}));
    EXPECT_TRUE(eventually([&] { return is_all_over(); }, seconds{60}))
        << shop.value(
               "select json_agg(d) from evd.delivery d where state in ('waiting', 'running')")
        << shop.value("select json_agg(p) from evd.window_part p")
        << shop.value("select json_agg(h) from evd.handler h");
    EXPECT_EQ(shop.sql_tally(purchased), Tally{});
    const Tally lottery = shop.exec_tally(purchased);
    EXPECT_EQ(lottery.lost, 0);
    EXPECT_EQ(lottery.early, 0);
    const auto escalated = static_cast<int>(refused.size());
    EXPECT_EQ(shop.number("select count(*) from evd.events where event_name = 'refused' "
                          "and status = 3"),
              escalated);
    EXPECT_EQ(shop.number("select sum(count) from evd.alert_group where kind = 'escalated' "
                          "and handler = 'strict'"),
              escalated);
    EXPECT_EQ(shop.number("select count(distinct (event_id, run)) - count(*) from evd.attempt"), 0);
    const RunResult audit = run({evd_binary("evctl"), "--database", shop.url(), "audit"});
    EXPECT_EQ(audit.exit, 0) << audit.out << audit.err;
  }

  Ids processed, purchased, refused;
};

// Those that must be among the places, so that the walk cannot become empty unseen.
constexpr const char* k_of_every_node[] = {"register_node",
                                           "claim",
                                           "window_events",
                                           "close_window",
                                           "take_part",
                                           "close_part",
                                           "poll",
                                           "run_sql_batch",
                                           "fail_sql_event",
                                           "run_sql_delivery",
                                           "take_deliveries",
                                           "finish_deliveries",
                                           "stale_nodes",
                                           "fence_node",
                                           "take_over",
                                           "mark_overdue",
                                           "alert_fold",
                                           "alert_take",
                                           "alert_sent",
                                           "open_breaker",
                                           "lease_probe",
                                           "end_probe"};

Places places(std::vector<const char*> names) {
  names.insert(names.end(), std::begin(k_of_every_node), std::end(k_of_every_node));
  Places result;
  for (const char* name : names) result.insert(std::string("after ") + name);
  return result;
}

// The places that programs come to amid work, and each time one of them has died there, the next.
class EvdFaults : public Faults {
 protected:
  // Until it has died or `enough` says so.
  void work(ChildProcess& evd, const std::function<bool()>& enough) {
    for (int round = 0; evd.running() && !enough() && round < 20; ++round) {
      emit_some();
      eventually([&] { return !evd.running() || enough(); }, milliseconds{700});
      if (round % 2 == 1 && evd.running()) end_session();
    }
  }

  // As a person stops it: what runs, and what waits, is given back.
  static int end(ChildProcess& evd) {
    evd.signal(SIGTERM);
    return evd.wait().value_or(-1);
  }

  // What an evd comes to once in its life, or by the minute.
  static bool is_seldom(const std::string& place) {
    static const Places names = {"config_drift",   "leave_node", "make_partitions", "note_trouble",
                                 "old_partitions", "prune",      "register_node",   "route"};
    return names.contains(place.substr(place.find(' ') + 1));
  }

  Places find_places(const Places& wanted) {
    const Program dead = shop.start_evd();
    dead->signal(SIGKILL);
    const Program evd = start("evd", "EVD_FAULT_LOG", shop.file("places"));
    work(*evd, [&] { return has_noted(wanted); });
    EXPECT_EQ(end(*evd), 0) << evd->err();
    return noted();
  }
};

TEST_F(EvdFaults, ADeathBetweenAnyTwoStatementsOfEvdLosesNothing) {
  const Places amid_work = places({"arm", "is_past", "reconcile_node", "heartbeat"});
  const Places found = find_places(amid_work);
  EXPECT_TRUE(has_noted(amid_work)) << testing::PrintToString(found);
  EXPECT_TRUE(found.contains("after leave_node"));
  for (const std::string& place : found) {
    for (int visit = 1; visit <= k_visits; ++visit) {
      const Program evd = start("evd", "EVD_FAULT", place + " " + std::to_string(visit));
      work(*evd, [] { return false; });
      if (evd->running()) end(*evd);
      if (visit > 1 && evd->wait() == 0 && is_seldom(place)) break;
      EXPECT_EQ(evd->wait(), 128 + SIGKILL) << "never came to '" << place << "'\n" << evd->err();
    }
  }
  const Program last = shop.start_evd();
  expect_nothing_lost();
}

// No evd lives: cron alone does everything.
TEST_F(Faults, ADeathBetweenAnyTwoStatementsOfEvrecoverLosesNothing) {
  const std::vector<std::string> flags = {"--until-idle", "--max-runtime", "4s"};
  shop.apply();
  Places wanted = places({});
  wanted.insert("after leave_node");
  for (int pass = 0; pass < 10 && !has_noted(wanted); ++pass) {
    const Program dead = start("evrecover", "EVD_FAULT", "after claim", flags);
    emit_some();
    dead->wait();
    const Program evrecover = start("evrecover", "EVD_FAULT_LOG", shop.file("places"), flags);
    emit_some();
    EXPECT_EQ(evrecover->wait(), 0) << evrecover->err();
  }
  EXPECT_TRUE(has_noted(wanted)) << testing::PrintToString(noted());
  for (const std::string& place : noted()) {
    bool has_died = false;
    for (int pass = 0; pass < 10 && !has_died; ++pass) {
      const Program evrecover = start("evrecover", "EVD_FAULT", place, flags);
      emit_some();
      has_died = evrecover->wait() == 128 + SIGKILL;
    }
    EXPECT_TRUE(has_died) << "never came to '" << place << "'";
  }
  for (int pass = 0; pass < 5 && !is_all_over(); ++pass)
    EXPECT_EQ(shop.evrecover({"--until-idle", "--max-runtime", "20s"}).exit, 0);
  expect_nothing_lost();
}

}  // namespace
}  // namespace evd::test
