// Groups of events that came in: written once, in the order in which they came, whatever became of
// the session that wrote them.
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <future>

#include "common/ingest/committer.hpp"
#include "common/ingest/write.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/evd_schema.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace evd::ingest {
namespace {

using test::eventually;
using test::number;
using test::value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t k_room = 1 << 20;

std::string event(const std::string& key, const std::string& name = "purchased") {
  return R"({"event_name": ")" + name + R"(", "key": ")" + key + "\"}";
}

class Ingest : public testing::Test {
 protected:
  Ingest() { test::make_route(connection_, "purchased", {"lottery"}); }

  // Each has a uuid of its own.
  static Frame frame(const std::vector<std::string>& events, int number = 1) {
    return {"00000000-0000-4000-8000-00000000000" + std::to_string(number), events, false};
  }
  Spool spool() const { return std::move(*Spool::open(dir_.path() / "spool", k_room)); }

  // Keys of what is in the log, in its order.
  std::string written() {
    return value(connection_, "select string_agg(key, ' ' order by id) from evd.event");
  }

  test::TempDir dir_;
  test::EvdDatabase database_;
  pg::Connection connection_ = database_.connect();
};

TEST_F(Ingest, AGroupIsWrittenOnceHoweverOftenItIsRepeated) {
  const Frame group = frame({event("a"), event("b")});
  const GroupIds first = write_group(connection_, group);
  EXPECT_THAT(first.ids, SizeIs(2));
  EXPECT_EQ(write_group(connection_, group).ids, first.ids) << "and is answered as before";
  EXPECT_EQ(written(), "a b");
}

// As where the connection was lost amid the commit, and the server has not noticed yet.
TEST_F(Ingest, ARepeatThatWaitsForTheFirstToCommitIsAnsweredWithItsIds) {
  const Frame group = frame({event("a"), event("b")});
  pg::Connection first = database_.connect();
  first.query("begin");
  const GroupIds ids = write_group(first, group);
  auto repeat = std::async(std::launch::async, [&] {
    pg::Connection second = database_.connect({{"application_name", "second"}});
    return write_group(second, group).ids;
  });
  ASSERT_TRUE(eventually([&] {
    return number(connection_,
                  "select count(*) from pg_stat_activity where application_name = 'second'"
                  " and datname = current_database() and wait_event_type = 'Lock'") == 1;
  }));
  first.query("commit");
  EXPECT_EQ(repeat.get(), ids.ids);
  EXPECT_EQ(written(), "a b");
}

// As where the commit's answer was lost, and the database then away.
TEST_F(Ingest, WhatWasWrittenBeforeItWasSpooledIsNotWrittenAgain) {
  const Frame group = frame({event("a"), event("b")});
  write_group(connection_, group);
  Spool kept = spool();
  kept.append(group);
  kept.append(frame({event("c")}, 2));
  drain(kept, connection_);
  EXPECT_TRUE(kept.is_empty());
  EXPECT_EQ(written(), "a b c");
}

TEST_F(Ingest, WhatIsRefusedIsSetAsideToldAndHoldsUpNothing) {
  Spool kept = spool();
  kept.append(frame({event("a"), event("b", "unheard"), event("c")}));
  kept.append(frame({event("d")}, 2));
  EXPECT_EQ(drain(kept, connection_), 3);
  EXPECT_EQ(written(), "a c d");
  EXPECT_THAT(test::read_file(kept.rejected_path()), HasSubstr(event("b", "unheard")));
  EXPECT_EQ(value(connection_, "select kind from evd.alert"), "emit_failed");
}

// The database does not say which event it refuses: they are written one by one, under uuids that
// are made of the group's and must not meet.
TEST_F(Ingest, OfManyEventsTheOneThatIsRefusedWithoutASayingIsFound) {
  std::vector<std::string> events(25, event("a"));
  events[4] = R"({"event_name": "purchased", "args": "\u0000"})";
  Spool kept = spool();
  Frame group = frame(events);
  group.uuid = "00000000-0000-4000-8000-000000000011";
  kept.append(group);
  EXPECT_EQ(drain(kept, connection_), 24);
  EXPECT_EQ(number(connection_, "select count(*) from evd.event"), 24);
}

// Groups are held by a lock of the test's, and their uuids seen in one that they hold.
class CommitterTest : public Ingest {
 protected:
  CommitterTest() {
    connection_.run_script(
        "create function hold() returns trigger language plpgsql as $$ begin "
        "perform pg_advisory_xact_lock(78, hashtext(new.id::text)), "
        "pg_advisory_xact_lock_shared(77); return new; end $$;"
        "create trigger hold before insert on evd.ingest_batch for each row "
        "execute function hold()");
  }

  void start(std::optional<Spool> spool,
             std::vector<std::pair<std::string, std::string>> settings = {}) {
    committer_.emplace(pg::ConnectOptions{.url = database_.url(),
                                          .application_name = "evd ingest",
                                          .settings = std::move(settings),
                                          .on_notice = {}},
                       std::move(spool), CommitterOptions{}, logger_);
  }

  std::future<Written> submit(const std::string& key) {
    auto promise = std::make_shared<std::promise<Written>>();
    EXPECT_TRUE(
        committer_->submit({.events = {event(key)}, .is_array = false, .is_keyed = false},
                           [promise](Written answer) { promise->set_value(std::move(answer)); }));
    return promise->get_future();
  }

  // The uuid, as a number, of the group that waits for the test's lock; "" while none does.
  std::string held_group() {
    return value(connection_,
                 "select l.objid from pg_locks l"
                 " join pg_database d on d.oid = l.database and d.datname = current_database()"
                 " where l.classid = 78 and l.pid in (select w.pid from pg_locks w where"
                 "  not w.granted and w.objid = 77 and w.database = l.database)");
  }

  logging::RecordingLogger logger_;
  std::optional<Committer> committer_;
};

TEST_F(CommitterTest, RepeatsAGroupWhoseSessionWasLostUnderItsUuid) {
  start(spool());
  connection_.query("select pg_advisory_lock(77)");
  std::future<Written> answer = submit("a");
  ASSERT_TRUE(eventually([&] { return !held_group().empty(); }));
  const std::string first = held_group();
  const std::int64_t ended =
      number(connection_,
             "with own as materialized (select pid from pg_stat_activity"
             " where datname = current_database() and application_name = 'evd ingest')"
             " select pid from own where pg_terminate_backend(pid)");
  ASSERT_TRUE(eventually([&] {
    return number(connection_,
                  "select count(*) from pg_locks where not granted and objid = 77 and pid <> $1"
                  " and database = (select oid from pg_database where datname = "
                  "current_database())",
                  pg::params(ended)) == 1;
  }));
  EXPECT_EQ(held_group(), first);
  connection_.query("select pg_advisory_unlock(77)");
  const Written written_once = answer.get();
  EXPECT_THAT(written_once.ids, SizeIs(1));
  EXPECT_THAT(written_once.spool_ids, IsEmpty());
  EXPECT_EQ(written(), "a");
}

TEST_F(CommitterTest, WritesOnWhileASenderIsBeingToldAndTellsAllBeforeItEnds) {
  start(spool());
  std::promise<void> gate;
  std::atomic<int> told = 0;
  ASSERT_TRUE(committer_->submit({.events = {event("a")}, .is_array = false, .is_keyed = false},
                                 [&](const Written& answer) {
                                   gate.get_future().wait();
                                   told += static_cast<int>(answer.ids.size());
                                 }));
  ASSERT_TRUE(eventually([&] { return written() == "a"; }));
  std::future<Written> second = submit("b");
  EXPECT_TRUE(eventually([&] { return written() == "a b"; })) << written();
  auto ended = std::async(std::launch::async, [&] { committer_.reset(); });
  EXPECT_EQ(second.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  gate.set_value();
  ended.get();
  EXPECT_EQ(told, 1);
  EXPECT_THAT(second.get().ids, SizeIs(1));
}

// The database takes what is new and cannot take yet what waits on the disk.
TEST_F(CommitterTest, NothingOvertakesWhatIsSpooled) {
  Spool kept = spool();
  kept.append(frame({event("a")}));
  pg::Connection blocker = database_.connect();
  blocker.query("begin");
  blocker.query("insert into evd.ingest_batch (id) values ($1::uuid)", pg::params(frame({}).uuid));
  start(std::move(kept), {{"lock_timeout", "100"}});
  const Written answer = submit("b").get();
  EXPECT_THAT(answer.ids, IsEmpty());
  EXPECT_THAT(answer.spool_ids, SizeIs(1));
  EXPECT_EQ(written(), "");
  blocker.query("rollback");
  ASSERT_TRUE(eventually([&] { return written() == "a b"; })) << written();
}

}  // namespace
}  // namespace evd::ingest
