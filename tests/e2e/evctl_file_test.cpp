// emit --file: events by the thousand, none twice.
#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "tests/e2e/evctl_fixture.hpp"
#include "tests/support/daemon_fixture.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class EvctlFile : public InstalledEvctl {
 protected:
  void write(const std::vector<std::string>& lines) {
    std::ofstream stream(file);
    for (const std::string& line : lines) stream << line << "\n";
  }
  static std::string event(int number) {
    return R"({"event_name": "purchased", "args": [)" + std::to_string(number) + "]}";
  }
  static std::vector<std::string> events(int count) {
    std::vector<std::string> lines;
    for (int i = 1; i <= count; ++i) lines.push_back(event(i));
    return lines;
  }
  RunResult load(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"emit", "--file", file.string()});
    return evctl(flags);
  }
  std::int64_t count() {
    auto connection = database_.connect();
    return number(connection, "select count(*) from evd.event");
  }

  const std::filesystem::path file = directory_ / "events.ndjson";
};

TEST_F(EvctlFile, LoadsEveryLineInItsOrder) {
  std::vector<std::string> lines = events(2500);
  lines.insert(lines.begin() + 7, "");
  lines.push_back(
      R"({"event_name": "purchased", "args": [12345678901234567890.12345678901234567890],)"
      R"( "key": "k", "deliver_at": "2100-01-01Z", "headers": {"a": 1}})");
  write(lines);
  const RunResult loaded = load();
  EXPECT_EQ(loaded.exit, 0) << loaded.err;
  EXPECT_EQ(loaded.out, "2501 events emitted\n");
  auto connection = database_.connect();
  EXPECT_EQ(number(connection,
                   "select count(*) from evd.event where id between 1 and 2500"
                   " and args = jsonb_build_array(id)"),
            2500);
  EXPECT_EQ(rows(connection,
                 "select args, key, due_at = '2100-01-01Z', headers from evd.event"
                 " where id = 2501"),
            R"([12345678901234567890.12345678901234567890]|k|t|{"a": 1})");
}

TEST_F(EvctlFile, ReadsStdin) {
  const RunResult loaded =
      run({evd_binary("evctl"), "--database", database_.url(), "emit", "--file", "-", "--json"}, {},
          event(1) + "\n" + event(2));
  EXPECT_EQ(loaded.exit, 0) << loaded.err;
  EXPECT_EQ(loaded.out, "{\"emitted\":2,\"skipped\":0}\n");
}

TEST_F(EvctlFile, NamesTheLineThatIsBadAndGoesOnOnceItIsMended) {
  const auto attempt = [&](const std::string& bad) {
    std::vector<std::string> lines = events(1500);
    lines[1200] = bad;
    write(lines);
    return load({"--resume"});
  };
  RunResult loaded = attempt("{oops");
  EXPECT_EQ(loaded.exit, 1);
  EXPECT_THAT(loaded.err, HasSubstr("events.ndjson:1201: is not a JSON object"));
  EXPECT_THAT(loaded.err, HasSubstr("lines 1 to 1000 are loaded"));
  EXPECT_EQ(count(), 1000) << "nothing of the batch";
  EXPECT_THAT(attempt(R"({"args": []})").err, HasSubstr(":1201: has no \"event_name\""));
  EXPECT_THAT(attempt(R"({"event_name": "purchased", "arg": 1})").err,
              HasSubstr(":1201: has an unknown key \"arg\""));
  EXPECT_THAT(attempt(R"({"event_name": "nothing"})").err,
              HasSubstr(":1201: event_name: no such event: \"nothing\""));
  EXPECT_THAT(attempt(R"({"event_name": "purchased", "deliver_at": "soon"})").err,
              HasSubstr("events.ndjson:1001: in this line or one of the 499 after it"));
  EXPECT_EQ(count(), 1000);
  loaded = attempt(event(1201));
  EXPECT_EQ(loaded.out, "500 events emitted, 1000 were already\n") << loaded.err;
  EXPECT_EQ(count(), 1500);
}

TEST_F(EvctlFile, IsNotLoadedTwiceByMistake) {
  write(events(10));
  EXPECT_EQ(load().exit, 0);
  const RunResult again = load();
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.err, HasSubstr(":1: this and what follows was loaded before"));
  EXPECT_EQ(count(), 10);
  EXPECT_EQ(load({"--resume"}).out, "0 events emitted, 10 were already\n");
  EXPECT_EQ(load({"--again"}).out, "10 events emitted\n");
  EXPECT_EQ(count(), 20);
}

TEST_F(EvctlFile, LosesAndRepeatsNothingWhenItsConnectionGoes) {
  write(events(30'000));
  ChildProcess loading(
      {evd_binary("evctl"), "--database", database_.url(), "emit", "--file", file.string()});
  auto connection = database_.connect();
  int ended = 0;
  while (loading.running()) {
    ended += static_cast<int>(number(
        connection,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and query like '%emit_batch%' and state = 'active'"
        " and pid <> pg_backend_pid()"));
    std::this_thread::sleep_for(std::chrono::milliseconds{50});  // the rate of the disturbance
  }
  EXPECT_EQ(loading.wait(), 0) << loading.err();
  EXPECT_GT(ended, 0);
  EXPECT_EQ(loading.out(), "30000 events emitted\n");
  EXPECT_EQ(number(connection, "select count(*) - count(distinct args) from evd.event"), 0);
  EXPECT_EQ(count(), 30'000);
}

TEST_F(EvctlFile, SaysWhatIsWrongWithItsUse) {
  EXPECT_EQ(evctl({"emit"}).exit, 2);
  EXPECT_EQ(evctl({"emit", "purchased", "--file", "x"}).exit, 2);
  EXPECT_EQ(evctl({"emit", "purchased", "--resume"}).exit, 2);
  const RunResult absent = evctl({"emit", "--file", "/nowhere.ndjson"});
  EXPECT_EQ(absent.exit, 1);
  EXPECT_THAT(absent.err, HasSubstr("/nowhere.ndjson: No such file or directory"));
  write({});
  EXPECT_EQ(load().out, "0 events emitted\n");
}

}  // namespace
}  // namespace evd::test
