// Retention: what is old and over goes, what is unresolved stays, and the ledger balances all
// along.
#include "common/recovery/retention.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "common/journal/pg_journal.hpp"
#include "tests/sql/log_fixture.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::hours k_day{24};

// A log that was set up 60 days ago, in which events can be written at any time since.
class Retention : public LogFixture {
 protected:
  Retention() {
    connection.run_script(R"(
create table public.clock as select 60 as days_ago;
create function public.set_back() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
  new.at := new.at - (select days_ago from public.clock) * interval '1 day';
  return new;
end $$;
create trigger set_back before insert on evd.event_window for each row execute function public.set_back();
update evd.event_window set at = at - interval '60 days', floor = floor - interval '61 days',
  closed_at = closed_at - interval '60 days')");
  }

  // From now on windows are taken as of that many days ago.
  void set_clock(int days_ago) {
    connection.query("update public.clock set days_ago = $1", pg::params(days_ago));
  }

  std::string make_day(int days_ago) {
    const std::string name =
        value(connection,
              "select 'event_' || to_char((now() at time zone 'UTC')::date - $1::int, 'YYYYMMDD')",
              pg::params(days_ago));
    connection.query("create table evd." + name +
                     " (like evd.event including defaults including constraints)");
    connection.query(
        value(connection,
              "select format('alter table evd.event attach partition evd.%I for values from (%L) "
              "to (%L)',"
              " $1::text, d::timestamp at time zone 'UTC', (d + 1)::timestamp at time zone 'UTC')"
              " from (select to_date(substr($1, 7), 'YYYYMMDD') as d) x",
              pg::params(name)));
    connection.query("alter table evd." + name + " owner to evd_owner");
    return name;
  }

  // At noon.
  std::int64_t emit_at(int days_ago) {
    return number(connection,
                  "insert into evd.event (route_id, created_at)"
                  " select id, (((now() at time zone 'UTC')::date - $1::int)::timestamp + interval "
                  "'12 hours')"
                  "  at time zone 'UTC' from evd.route where event_name = 'purchased' returning id",
                  pg::params(days_ago));
  }

  // Until the newest window is like that: a transaction in any database of the server, be it
  // another test's, may hold the floor for a while.
  void raise_floor(const std::string& condition) {
    EXPECT_TRUE(eventually([&] {
      emit();
      run_window();
      return value(connection, "select " + condition +
                                   " from evd.event_window order by id desc limit 1") == "t";
    }));
  }

  recovery::Retired retire(int days = 30) {
    journal::PgJournal journal(connection);
    return recovery::retire(journal, days * k_day, 1000);
  }

  std::string kept(int days = 30) {
    const auto retired = retire(days);
    return retired.kept.empty() ? "" : retired.kept.front().kept;
  }

  std::int64_t count(const std::string& table) {
    return number(connection, "select count(*) from evd." + table);
  }

  void run_all() {
    const std::string claim_one = "select id from evd.claim($1, 7, 1000)";
    for (auto taken = rows(connection, claim_one, pg::params(node)); !taken.empty();
         taken = rows(connection, claim_one, pg::params(node))) {
      window = std::stoll(taken);
      ASSERT_EQ(close(), "closed");
    }
  }

  void expect_balance() {
    for (const std::string full : {"false", "true"}) {
      EXPECT_EQ(value(connection,
                      "select emitted = done + resolved + outstanding + escalated and"
                      " unaccounted = 0 from evd.audit(p_full => " +
                          full + ")"),
                "t")
          << audit() << " full " << full << "\n"
          << rows(connection, "select * from evd.audit_missing(9, null, " + full + ")");
    }
  }
};

TEST_F(Retention, DropsDaysThatAreOver) {
  const std::string old = make_day(40), recent = make_day(20);
  emit_at(40);
  emit_at(20);
  run_window();
  const auto retired = retire();
  EXPECT_THAT(retired.dropped, ElementsAre(old));
  EXPECT_THAT(retired.kept, IsEmpty());
  EXPECT_EQ(count("event"), 1);
  EXPECT_EQ(value(connection,
                  "select evd.pruned_before() = (select max(ends_at) - interval '19 days'"
                  " from evd.partitions() where name = $1)",
                  pg::params(recent)),
            "f");
  EXPECT_EQ(value(connection, "select evd.pruned_before() is null"), "f");
  expect_balance();
  EXPECT_THAT(retire().dropped, IsEmpty());
}

TEST_F(Retention, KeepsWhatNobodyHasTaken) {
  make_day(40);
  emit_at(40);
  EXPECT_THAT(kept(), HasSubstr("not been taken"));
  claim();
  EXPECT_THAT(kept(), HasSubstr("window 1 is open"));
  close();
  EXPECT_EQ(kept(), "");
  EXPECT_EQ(count("event"), 0);
}

TEST_F(Retention, KeepsWhatIsPutOff) {
  make_day(40);
  emit_at(40);
  run_window("", "{lottery}");
  EXPECT_THAT(kept(), HasSubstr("handler lottery still has to run"));
  EXPECT_EQ(count("event"), 1);
}

TEST_F(Retention, KeepsWhatIsUnresolvedUntilAPersonSettlesIt) {
  make_day(40);
  const auto id = emit_at(40);
  run_window("(1,lottery,failed)");
  const std::string later = make_day(39);
  emit_at(39);
  run_window();
  EXPECT_THAT(kept(),
              HasSubstr("a pair is unresolved, such as that of event " + std::to_string(id)));
  EXPECT_EQ(count("event"), 1) << "the day after it need not wait";
  expect_balance();
  connection.query("select evd.resolve(1, null, 'by hand', 'ann')");
  EXPECT_EQ(kept(), "");
  EXPECT_EQ(count("event"), 0);
  EXPECT_EQ(count("delivery") + count("attempt") + count("action where event_id = 1"), 0);
  expect_balance();
}

TEST_F(Retention, DeletesTheHistoryOfWhatIsGone) {
  make_day(40);
  make_day(20);
  for (const int days : {40, 40, 20}) emit_at(days);
  run_window("(1,lottery,retry),(2,lottery,retry),(3,lottery,retry)");
  take();
  for (int event = 1; event <= 3; ++event) finish(event, 2, "done");
  emit_at(20);
  run_window();
  retire();
  EXPECT_EQ(rows(connection, "select event_id, state from evd.delivery"), "3|done");
  EXPECT_EQ(rows(connection, "select event_id from evd.attempt"), "3");
  EXPECT_EQ(count("event"), 2);
  expect_balance();
}

TEST_F(Retention, DeletesWindowsOfWhichNothingIsLeft) {
  make_day(40);
  make_day(20);
  for (int i = 0; i < 5; ++i) {
    emit_at(40);
    run_window();
  }
  emit_at(20);
  run_window();
  raise_floor("floor_id >= 6");
  const auto all = count("event_window");
  retire();
  EXPECT_LT(count("event_window"), all - 4);
  EXPECT_EQ(status(6), "2|processed|{sqlCoupon,lottery}|{}");
  expect_balance();
}

TEST_F(Retention, LeavesAPartitionThatAnotherTransactionUses) {
  make_day(40);
  emit_at(40);
  run_window();
  auto reader = database.connect(), emitter = database.connect();
  reader.query("begin");
  reader.query("select count(*) from evd.event");
  EXPECT_THAT(kept(), HasSubstr("another transaction"));
  emitter.query("set statement_timeout = '20s'");
  emitter.query("select evd.emit('purchased')");
  EXPECT_EQ(count("event"), 2) << "emits go on";
  reader.query("commit");
  EXPECT_EQ(kept(), "");
  EXPECT_EQ(count("event"), 1);
}

TEST_F(Retention, LeavesADayToWhichATransactionInProgressHasAdded) {
  make_day(40);
  auto slow = database.connect();
  slow.query("begin");
  slow.query(
      "insert into evd.event (route_id, created_at)"
      " select r.id, p.starts_at from evd.route r, evd.partitions() p limit 1");
  EXPECT_THAT(kept(), HasSubstr("another transaction"));
  slow.query("commit");
  EXPECT_THAT(kept(), HasSubstr("not been taken"));
  run_window();
  EXPECT_EQ(kept(), "");
}

TEST_F(Retention, LooksAgainOnceNobodyCanAddToTheDay) {
  const std::string day = make_day(40);
  connection.query("alter function evd.drop_partition set lock_timeout = '20 s'");
  auto slow = database.connect();
  slow.query("begin");
  slow.query(
      "insert into evd.event (route_id, created_at)"
      " select r.id, p.starts_at from evd.route r, evd.partitions() p where p.name = $1",
      pg::params(day));
  auto why = std::async(std::launch::async, [&] {
    auto other = database.connect();
    return value(other, "select evd.drop_partition($1)", pg::params(day));
  });
  EXPECT_TRUE(eventually([&] {
    return number(connection,
                  "select count(*) from pg_stat_activity where datname = current_database()"
                  " and wait_event_type = 'Lock'") == 1;
  }));
  slow.query("commit");
  EXPECT_THAT(why.get(), HasSubstr("not been taken"));
  EXPECT_EQ(count("event"), 1);
}

TEST_F(Retention, DeletesFromTheDefaultPartitionOneByOne) {
  for (int i = 0; i < 3; ++i) emit_at(40);
  emit_at(20);
  run_window("(2,lottery,failed)");
  retire();
  EXPECT_EQ(rows(connection, "select id from evd.event order by id"), "1\n2\n3\n4")
      << "the floor has not come there";
  set_clock(21);
  raise_floor("floor > now() - interval '23 days'");
  retire();
  EXPECT_EQ(rows(connection, "select id from evd.event where id < 5 order by id"), "2\n4");
  EXPECT_EQ(status(2), "3|escalated|{sqlCoupon}|{}");
  connection.query("select evd.resolve(2, null, 'by hand', 'ann')");
  retire();
  EXPECT_EQ(rows(connection, "select id from evd.event where id < 5 order by id"), "4");
  EXPECT_EQ(count("delivery"), 0);
}

TEST_F(Retention, KeepsInTheDefaultPartitionWhatAWindowOrAPartHolds) {
  emit_at(40);
  claim();
  const std::int64_t first = window;
  set_clock(21);
  raise_floor("floor > now() - interval '23 days'");
  const auto is_there = [&] { return count("event where id = 1") == 1; };
  retire();
  EXPECT_TRUE(is_there()) << "its window is open";
  window = first;
  ASSERT_EQ(close("", "{lottery}"), "closed");
  retire();
  EXPECT_TRUE(is_there()) << "lottery's share is put off";
  connection.query("select evd.take_part($1, 7, '{lottery}')", pg::params(node));
  connection.query(
      "select evd.close_part($1, 'lottery', $2, 7, null, null, '{}', '{}', '{}', '{}')",
      pg::params(first, node));
  retire();
  EXPECT_FALSE(is_there());
}

TEST_F(Retention, DeletesKeysThatAreTooOld) {
  connection.query("select evd.emit('purchased', dedup_key => 'k1')");
  connection.query("select evd.emit('purchased', dedup_key => 'k2')");
  connection.query("update evd.dedup set created_at = now() - interval '8 days' where key = 'k1'");
  connection.query(
      "insert into evd.once values ('old', now() - interval '90 days'), ('new', now())");
  connection.query(
      "insert into evd.ingest_batch values (gen_random_uuid(), now() - interval '8 days'),"
      " (gen_random_uuid(), now())");
  run_all();
  retire();
  EXPECT_EQ(rows(connection, "select key from evd.dedup"), "k2");
  EXPECT_EQ(rows(connection, "select key from evd.once"), "new");
  EXPECT_EQ(count("ingest_batch"), 1);
}

TEST_F(Retention, OperatorsMayPruneAndReadersMayNot) {
  make_day(40);
  auto reader = database.connect({{"role", "evd_reader"}});
  EXPECT_THAT(failure(reader, "select evd.drop_partition('event_20200101')"),
              HasSubstr("permission denied"));
  auto operator_ = database.connect({{"role", "evd_operator"}});
  EXPECT_EQ(value(operator_, "select evd.drop_partition('event_20200101')"),
            "there is no such partition");
  EXPECT_EQ(value(operator_,
                  "select evd.drop_partition(name) is null"
                  " from evd.old_partitions(now() - interval '30 days')"),
            "t");
}

// Two months pass, a day at a time, while others emit, and a report reads the whole log.
TEST_F(Retention, MonthsPassUnderLoadAndNothingUnresolvedGoes) {
  std::atomic<int> emitted{0};
  std::jthread load([&](const std::stop_token& stop) {
    auto emitter = database.connect();
    while (!stop.stop_requested()) {
      emitter.query("select evd.emit('purchased')");
      ++emitted;
    }
  });
  std::vector<std::int64_t> unresolved;
  std::size_t dropped = 0, kept = 0;
  for (int days_ago = 59; days_ago > 0; --days_ago) {
    make_day(days_ago);
    const auto id = emit_at(days_ago);
    for (int i = 0; i < 5; ++i) emit_at(days_ago);
    const bool fails = days_ago % 20 == 19;
    if (fails) unresolved.push_back(id);
    set_clock(days_ago);
    for (bool is_taken = false; !is_taken;) {  // others' events may fill a window
      claim();
      is_taken = number(connection, "select count(*) from evd.window_events($1) where id = $2",
                        pg::params(window, id)) == 1;
      const std::string failed = "(" + std::to_string(id) + ",lottery,failed)";
      ASSERT_EQ(close(is_taken && fails ? failed : ""), "closed");
    }
    auto report = database.connect();
    if (days_ago == 10) {
      report.query("begin");
      report.query("select count(*) from evd.event");
    }
    const auto retired = retire(days_ago + 7);
    dropped += retired.dropped.size();
    kept = retired.kept.size();
    if (days_ago == 10) {
      EXPECT_THAT(retired.dropped, IsEmpty());
    }
  }
  EXPECT_TRUE(eventually([&] { return emitted > 20; }));
  load.request_stop();
  load.join();
  EXPECT_EQ(unresolved.size(), 3U);
  EXPECT_EQ(kept, 3U);
  EXPECT_GE(dropped, 48U);
  for (const auto id : unresolved) {
    EXPECT_EQ(value(connection, "select state from evd.events where id = $1", pg::params(id)),
              "escalated");
  }
  run_all();
  expect_balance();
}

}  // namespace
}  // namespace evd::test
