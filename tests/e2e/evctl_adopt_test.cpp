// A log that was dumped and restored: into a PostgreSQL whose transaction ids are lower, into one
// where they are not, and as another installation.
#include <gmock/gmock.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;

std::string postgres_program(const std::string& name) {
  return (pg::Cluster::find_bin_dir() / name).string();
}

class Adopt : public testing::Test {
 protected:
  // Ids as a server gives out that has been at work for long.
  static void burn_ids(PrivateCluster& server, int count) {
    server.connect().query("do $$ begin for i in 1.." + std::to_string(count) +
                           " loop perform pg_current_xact_id(); commit; end loop; end $$");
  }

  void restore() {
    const std::string dump = shop_.file("dump.sql").string();
    const RunResult dumped = run({postgres_program("pg_dump"), "-f", dump, old_.url()});
    ASSERT_EQ(dumped.exit, 0) << dumped.err;
    const RunResult restored = run({postgres_program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1",
                                    "-o", "/dev/null", "-f", dump, new_.url()});
    ASSERT_EQ(restored.exit, 0) << restored.err;
    shop_.move_to(new_.url());
  }

  // What evd leaves behind of `count` events when it is killed amid them: a window that is open,
  // with four that ran.
  void leave_a_window_open(int count) {
    const Program evd = shop_.start_evd();
    shop_.hold();
    append(shop_.emit(count));
    ASSERT_TRUE(eventually([&] { return shop_.count("start") == running_ + 4; }));
    evd->signal_group(SIGKILL);
    evd->wait();
    shop_.release();
  }

  void append(const Ids& ids) { ids_.insert(ids_.end(), ids.begin(), ids.end()); }

  RunResult evctl(std::vector<std::string> args) const {
    args.insert(args.begin(), {evd_binary("evctl"), "--config", shop_.config_path()});
    return run(std::move(args));
  }

  static std::vector<std::string> roles() {
    return {"evd_owner", "evd_worker", "evd_operator", "evd_reader", "evd_emitter"};
  }

  void expect_all_processed() {
    EXPECT_TRUE(shop_.wait_processed(ids_));
    EXPECT_EQ(shop_.sql_tally(ids_), Tally{});
    const Tally lottery = shop_.exec_tally(ids_);
    EXPECT_EQ(lottery.lost, 0);
    EXPECT_LE(lottery.repeated, 4);  // those that ran when it was killed
    const RunResult audit = evctl({"audit", "--full"});
    EXPECT_EQ(audit.exit, 0) << audit.out;
    EXPECT_EQ(evctl({"audit"}).exit, 0);
  }

  PrivateCluster old_{{}, false}, new_{{}, false};
  Shop shop_{old_.url()};
  Ids ids_;
  int running_ = 0;  // of the lottery, before
};

class AdoptLower : public Adopt {
 protected:
  // Some events are done, some are in an open window, one waits in a transaction that ends after
  // that window was taken, some nobody has taken. Then the copy is used for a while.
  void SetUp() override {
    for (const std::string& role : roles()) new_.connect().query("create role " + role);
    burn_ids(old_, 5'000);
    {
      const Program evd = shop_.start_evd();
      append(shop_.emit(20));
      ASSERT_TRUE(shop_.wait_processed(ids_));
      running_ = shop_.count("start");
      evd->signal(SIGTERM);
      evd->wait();
    }
    auto late = old_.connect();
    late.query("begin");
    const std::int64_t straggler = late.query("select evd.emit('purchased')").int64(0, 0);
    leave_a_window_open(20);
    late.query("commit");
    ids_.push_back(straggler);
    append(shop_.emit(5));
    restore();
    append(shop_.emit(7));
    auto nested = new_.connect();
    nested.query("begin");
    nested.query("savepoint one");
    ids_.push_back(nested.query("select evd.emit('purchased')").int64(0, 0));
    nested.query("commit");
  }
};

TEST_F(AdoptLower, ItIsRefusedWithAnAlertUntilItIsAdopted) {
  Program evd = shop_.launch("evd");
  EXPECT_EQ(evd->wait(), 4);
  EXPECT_THAT(evd->err(), HasSubstr("evctl adopt"));
  EXPECT_EQ(shop_.evrecover().exit, 4);
  ASSERT_EQ(shop_.alerts().size(), 1U) << "told once";
  EXPECT_THAT(shop_.alerts()[0].dump(), HasSubstr("evctl adopt"));
  EXPECT_THAT(evctl({"doctor"}).out, HasSubstr("evctl adopt"));
}

TEST_F(AdoptLower, WhatNobodyHadTakenAndWhatWasEmittedSinceRunsOnce) {
  const RunResult foreseen = evctl({"adopt", "--dry-run"});
  EXPECT_THAT(foreseen.out,
              testing::ContainsRegex("would be taken up: [0-9]+ events are to be run, 8 of them"))
      << foreseen.err;
  EXPECT_EQ(evctl({"adopt"}).exit, 2) << "it asks";
  const RunResult adopted = evctl({"adopt", "--yes"});
  EXPECT_EQ(adopted.exit, 0) << adopted.err;
  EXPECT_THAT(adopted.out,
              testing::ContainsRegex("taken up: [0-9]+ events are to be run, 8 of them"));
  EXPECT_THAT(evctl({"adopt", "--yes"}).out, HasSubstr("nothing was to be done"));
  append(shop_.emit(5));
  const Program evd = shop_.start_evd();
  append(shop_.emit(5));
  expect_all_processed();
  EXPECT_THAT(evctl({"show", std::to_string(ids_[0])}).out, HasSubstr("processed"));
}

TEST_F(AdoptLower, AnEmitterMayGoOnAndItsEventsAreTailed) {
  ASSERT_EQ(evctl({"adopt", "--yes"}).exit, 0);
  ChildProcess tail({evd_binary("evctl"), "--config", shop_.config_path(), "tail"});
  ASSERT_TRUE(eventually([&] {
    return shop_.number(
               "select count(*) from pg_stat_activity where application_name = 'evctl'"
               " and state = 'idle' and query like '%pg_visible_in_snapshot%'") == 1;
  }));
  auto emitter = new_.connect();
  emitter.query("set role evd_emitter");
  const std::int64_t id =
      emitter.query("insert into evd.events (event_name) values ('purchased') returning id")
          .int64(0, 0);
  EXPECT_TRUE(tail.wait_for_output(std::to_string(id) + "  purchased"));
}

TEST_F(AdoptLower, ASecondMoveIsAdoptedToo) {
  ASSERT_EQ(evctl({"adopt", "--yes"}).exit, 0);
  {
    const Program evd = shop_.start_evd();
    EXPECT_TRUE(shop_.wait_processed(ids_));
  }
  append(shop_.emit(3));
  PrivateCluster third{{}, false};
  for (const std::string& role : roles()) third.connect().query("create role " + role);
  burn_ids(new_, 3'000);
  const std::string dump = shop_.file("again.sql").string();
  ASSERT_EQ(run({postgres_program("pg_dump"), "-f", dump, new_.url()}).exit, 0);
  ASSERT_EQ(
      run({postgres_program("psql"), "-XqAt", "-o", "/dev/null", "-f", dump, third.url()}).exit, 0);
  shop_.move_to(third.url());
  append(shop_.emit(4));
  const RunResult adopted = evctl({"adopt", "--yes"});
  EXPECT_THAT(adopted.out, testing::ContainsRegex("[0-9]+ events are to be run, 4 of them"))
      << adopted.err;
  const Program evd = shop_.start_evd();
  expect_all_processed();
}

TEST_F(AdoptLower, IdsThatCaughtUpMeanwhileDoNotHideIt) {
  burn_ids(new_, 8'000);
  append(shop_.emit(2));
  EXPECT_EQ(shop_.launch("evd")->wait(), 4);
  ASSERT_EQ(evctl({"adopt", "--yes"}).exit, 0);
  const Program evd = shop_.start_evd();
  expect_all_processed();
}

TEST_F(Adopt, ATransactionThatIsInProgressSinceBeforeIsNotOverlooked) {
  for (const std::string& role : roles()) new_.connect().query("create role " + role);
  burn_ids(old_, 5'000);
  leave_a_window_open(10);
  auto open = new_.connect();
  open.query("begin");
  open.query("select pg_current_xact_id()");
  restore();
  burn_ids(new_, 8'000);
  EXPECT_EQ(shop_.launch("evd")->wait(), 4);
  ids_.push_back(open.query("select evd.emit('purchased')").int64(0, 0));
  auto late = new_.connect();
  late.query("begin");
  late.query("select pg_current_xact_id()");
  open.query("commit");
  ASSERT_EQ(evctl({"adopt", "--yes"}).exit, 0);
  ids_.push_back(late.query("select evd.emit('purchased')").int64(0, 0));
  const Program evd = shop_.start_evd();
  late.query("commit");
  expect_all_processed();
}

TEST_F(Adopt, ALogThatWasRestoredIntoHigherIdsGoesOnByItself) {
  for (const std::string& role : roles()) new_.connect().query("create role " + role);
  leave_a_window_open(10);
  append(shop_.emit(5));
  burn_ids(new_, 5'000);
  restore();
  append(shop_.emit(5));
  EXPECT_THAT(evctl({"doctor"}).out, HasSubstr("warn  cluster"));
  const Program evd = shop_.start_evd();
  EXPECT_TRUE(evd->wait_for_output("another PostgreSQL cluster"));
  expect_all_processed();
  EXPECT_THAT(evctl({"doctor"}).out, testing::Not(HasSubstr("cluster:")));
}

TEST_F(Adopt, ACopyIsRefusedByItsNameUntilItIsGivenItsOwn) {
  for (const std::string& role : roles()) new_.connect().query("create role " + role);
  shop_.apply();
  burn_ids(new_, 5'000);
  restore();
  Settings settings = shop_.settings();
  settings["database"]["instance"] = "\"staging\"";
  shop_.write_config(settings);
  EXPECT_EQ(shop_.launch("evd")->wait(), 4);
  EXPECT_EQ(evctl({"adopt", "--yes"}).exit, 4);
  EXPECT_EQ(evctl({"adopt", "--yes", "--instance", "other"}).exit, 2);
  const RunResult adopted = evctl({"adopt", "--yes", "--instance", "staging"});
  EXPECT_THAT(adopted.out, HasSubstr("is called \"staging\" now")) << adopted.err;
  const Program evd = shop_.start_evd();
  EXPECT_TRUE(shop_.wait_processed(shop_.emit(1)));
}

}  // namespace
}  // namespace evd::test
