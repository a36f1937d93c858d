#include "common/journal/pg_journal.hpp"

#include <future>

#include "common/journal/session.hpp"
#include "tests/support/evd_schema.hpp"
#include "tests/support/journal_conformance_suite.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unix_socket.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {
namespace {

using journal::PgJournal;
using pg::params;

std::string interval(Milliseconds duration) {
  return std::to_string(duration.count()) + " milliseconds";
}

pg::ConnectOptions ahead_options(const TestDatabase& database) {
  pg::ConnectOptions options;
  options.url = database.url();
  options.application_name = "ahead";
  return options;
}

// A session and the journal that borrows it.
struct Session {
  explicit Session(const TestDatabase& database)
      : connection(database.connect()), journal(connection, ahead_options(database)) {}
  pg::Connection connection;
  PgJournal journal;
};

class PgFixture : public JournalFixture {
 public:
  journal::Journal& journal() override {
    sessions_.push_back(std::make_unique<Session>(database_));
    return sessions_.back()->journal;
  }

  void add_route(const std::string& event_name, const std::vector<std::string>& expected,
                 Milliseconds deadline, bool alert_timeout) override {
    connection_.query("update evd.route set is_current = false where event_name = $1",
                      params(event_name));
    connection_.query(
        "insert into evd.route (event_name, expected, deadline, alert_timeout) "
        "values ($1, $2, $3::interval, $4)",
        params(event_name, expected, interval(deadline), alert_timeout));
  }

  void set_handler(const journal::HandlerPolicy& policy) override {
    connection_.query("delete from evd.handler where name = $1", params(policy.name));
    connection_.query(
        "insert into evd.handler (name, kind, retry, max_attempts, alert_after, backoff_base, "
        "backoff_factor, backoff_max, backoff_jitter) "
        "values ($1, $2, $3, $4, $5, $6::interval, $7, $8::interval, $9)",
        params(policy.name, policy.is_sql ? "sql" : "exec", policy.is_cron ? "cron" : "daemon",
               policy.max_attempts, policy.alert_after, interval(policy.backoff_base),
               policy.backoff_factor, interval(policy.backoff_max), policy.backoff_jitter));
  }

  void pause(const std::string& handler) override {
    connection_.query("select evd.pause($1)", params(handler));
  }

  void resume(const std::string& handler) override {
    connection_.query("select evd.resume($1)", params(handler));
  }

  std::int64_t emit(const std::string& event_name, const std::string& args,
                    const journal::EmitOptions& options) override {
    std::optional<std::string> after;
    if (options.deliver_after) after = interval(*options.deliver_after);
    return number(connection_,
                  "select evd.emit($1, $2::jsonb, key => $3, "
                  "deliver_at => clock_timestamp() + $4::interval)",
                  params(event_name, args, options.key, after));
  }

  // Time cannot be moved, so all that is stored moves the other way.
  void advance(Milliseconds duration) override {
    for (const char* table :
         {"event set created_at = created_at - $1::interval, due_at = due_at - $1::interval",
          "event_window set at = at - $1::interval, floor = floor - $1::interval, "
          "oldest = oldest - $1::interval, newest = newest - $1::interval, "
          "opened_at = opened_at - $1::interval",
          "window_part set next_at = next_at - $1::interval, "
          "created_at = created_at - $1::interval",
          "delivery set next_at = next_at - $1::interval, "
          "deadline_at = deadline_at - $1::interval, created_at = created_at - $1::interval, "
          "event_created_at = event_created_at - $1::interval",
          "node set heartbeat_at = heartbeat_at - $1::interval",
          "handler set probe_at = probe_at - $1::interval, probe_until = probe_until - "
          "$1::interval"}) {
      connection_.query("update evd." + std::string(table), params(interval(duration)));
    }
  }

  std::vector<journal::DeliveryRow> deliveries() override;
  std::vector<journal::AlertRow> alerts() override;

  bool settled(std::int64_t event_id) override {
    return value(connection_, "select status from evd.events where id = $1", params(event_id)) ==
           "2";
  }

 private:
  EvdDatabase database_;
  pg::Connection connection_ = database_.connect();
  std::vector<std::unique_ptr<Session>> sessions_;
};

std::vector<journal::DeliveryRow> PgFixture::deliveries() {
  const pg::Result result = connection_.query(
      "select event_id, handler, state, run, attempts, max_attempts, handed_back, "
      "(extract(epoch from next_at - clock_timestamp()) * 1000)::bigint, coalesce(node_id, 0), "
      "suspect, alerted, coalesce(last_error, '') from evd.delivery order by event_id, handler");
  std::vector<journal::DeliveryRow> rows;
  for (int row = 0; row < result.rows(); ++row) {
    rows.push_back({result.int64(row, 0), result.string(row, 1), result.string(row, 2),
                    result.int32(row, 3), result.int32(row, 4), result.int32(row, 5),
                    result.int32(row, 6), Milliseconds{result.int64(row, 7)}, result.int64(row, 8),
                    result.boolean(row, 9), result.boolean(row, 10), result.string(row, 11)});
  }
  return rows;
}

std::vector<journal::AlertRow> PgFixture::alerts() {
  const pg::Result result = connection_.query(
      "select kind, coalesce(event_name, ''), coalesce(event_id, 0), coalesce(handler, ''), "
      "coalesce(attempts, 0), coalesce(error, '') from evd.alert order by id");
  std::vector<journal::AlertRow> rows;
  for (int row = 0; row < result.rows(); ++row) {
    rows.push_back({result.string(row, 0), result.string(row, 1), result.int64(row, 2),
                    result.string(row, 3), result.int32(row, 4), result.string(row, 5)});
  }
  return rows;
}

INSTANTIATE_JOURNAL_CONFORMANCE(Pg, [] { return std::make_unique<PgFixture>(); });

class PgJournalTest : public testing::Test {
 protected:
  PgJournalTest() {
    make_route(connection_, "one", {"a"});
    node_ = journal_.register_node({"test", "evd", "1", {"a"}});
  }

  void make_ready_ahead(std::size_t ahead) {
    test::make_ready_ahead(journal_, node_, ahead,
                           [&] { connection_.query("select evd.emit('one')"); });
  }

  EvdDatabase database_;
  pg::Connection connection_ = database_.connect();
  PgJournal journal_{connection_, ahead_options(database_)};
  journal::NodeId node_ = 0;
};

TEST_F(PgJournalTest, AnEventWhoseTransactionIsStillOpenIsTakenAfterItCommits) {
  pg::Connection slow = database_.connect();
  slow.query("begin");
  const std::int64_t late = number(slow, "select evd.emit('one')");
  const std::int64_t early = number(connection_, "select evd.emit('one')");
  const auto window = journal_.claim(node_, {1, 10});
  ASSERT_TRUE(window);
  EXPECT_THAT(ids(window->events), ElementsAre(early)) << "others do not wait for it";
  EXPECT_FALSE(journal_.claim(node_, {2, 10}));
  slow.query("commit");
  const auto next = journal_.claim(node_, {3, 10});
  ASSERT_TRUE(next);
  EXPECT_THAT(ids(next->events), ElementsAre(late));
}

TEST_F(PgJournalTest, AnEmitThatRolledBackIsNeverTaken) {
  connection_.query("begin");
  connection_.query("select evd.emit('one')");
  connection_.query("rollback");
  EXPECT_FALSE(journal_.claim(node_, {1, 10}));
}

TEST_F(PgJournalTest, AWindowIsReadHoweverManyAreClaimedBeforeItIs) {
  connection_.run_script(R"(
create function crowd() returns trigger language plpgsql as $$
begin
  insert into evd.event_window
    select (jsonb_populate_record(new, jsonb_build_object('id', new.id + n, 'token', 100 + n, 'closed_at', now()))).*
    from generate_series(1, 50) n;
  return null;
end $$;
create trigger crowd after insert on evd.event_window for each row when (new.token = 1) execute function crowd())");
  const std::int64_t id = number(connection_, "select evd.emit('one')");
  const auto window = journal_.claim(node_, {1, 10});
  ASSERT_TRUE(window);
  EXPECT_THAT(ids(window->events), ElementsAre(id));
}

TEST_F(PgJournalTest, AFencedNodesClaimThatWasBegunIsNotTheNextNodes) {
  make_ready_ahead(1);
  const std::int64_t first = number(connection_, "select evd.emit('one')");
  const std::int64_t second = number(connection_, "select evd.emit('one')");
  const auto window = journal_.claim(node_, {1, 1, {}, 1});
  ASSERT_TRUE(window);
  ASSERT_EQ(window->ahead, 1U);
  EXPECT_TRUE(eventually([&] {
    return number(connection_, "select count(*) from evd.event_window where closed_at is null") ==
           2;
  }));
  // Not by the journal, which would wait for what it had begun.
  connection_.query("select evd.leave_node($1)", params(node_));
  const journal::NodeId next = journal_.register_node({"test", "evd", "1", {"a"}});
  EXPECT_FALSE(journal_.claim(next, {3, 1}))
      << "both are still the other's: " << first << " " << second;
}

class ClaimingAhead : public PgJournalTest {
 protected:
  ClaimingAhead() { make_ready_ahead(2); }

  // Three windows of which each is more than a socket holds.
  std::optional<journal::Window> claim_first_of_three() {
    observer_.query(
        "select evd.emit('one', to_jsonb(repeat('x', 2000))) from generate_series(1, 3000)");
    return journal_.claim(node_, {1, 1'000, {}, 2});
  }

  // Claims other than the first wait for this lock.
  void hold_claims() {
    observer_.run_script(
        "create function hold() returns trigger language plpgsql as $$ begin "
        "perform pg_advisory_xact_lock_shared(77); return new; end $$;"
        "create trigger hold before insert on evd.event_window for each row when (new.token <> 1) "
        "execute function hold();"
        "select pg_advisory_lock(77)");
  }

  // Sessions that claim ahead, in this state.
  std::int64_t readers(const std::string& condition) {
    return number(observer_,
                  "select count(*) from pg_stat_activity where application_name = 'ahead'"
                  " and datname = current_database() and " +
                      condition);
  }

  void end_readers() {
    observer_.query(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'ahead' and datname = current_database()");
  }

  pg::Connection observer_ = database_.connect();
};

TEST_F(ClaimingAhead, KeepsNoServerWaitingForAReader) {
  const auto window = claim_first_of_three();
  ASSERT_TRUE(window);
  ASSERT_EQ(window->ahead, 2U);
  EXPECT_TRUE(eventually([&] {
    return readers("state = 'idle' and query like '%window_events%'") == 2 &&
           number(observer_, "select count(*) from evd.event_window where events = 1000") == 3;
  })) << "nobody has asked for them yet";
  for (int count = 0; count < 2; ++count) {
    const auto next = journal_.claim(node_, {3, 1'000});
    ASSERT_TRUE(next);
    EXPECT_NE(next->ref.token, 3);
    EXPECT_EQ(next->size(), 1'000);
  }
}

TEST_F(ClaimingAhead, LeavesTheOwnersConnectionFree) {
  hold_claims();
  const auto window = claim_first_of_three();
  ASSERT_TRUE(window);
  EXPECT_TRUE(eventually([&] { return readers("wait_event_type = 'Lock'") == 2; }));
  EXPECT_TRUE(journal_.heartbeat(node_));
  EXPECT_EQ(journal_.close(node_, window->ref, {}), CloseResult::k_closed);
  observer_.query("select pg_advisory_unlock(77)");
}

TEST_F(ClaimingAhead, TellsOfASessionThatEndedMeanwhileWhenItIsAsked) {
  hold_claims();
  ASSERT_TRUE(claim_first_of_three());
  EXPECT_TRUE(eventually([&] { return readers("wait_event_type = 'Lock'") == 2; }));
  end_readers();
  EXPECT_TRUE(journal_.heartbeat(node_));
  try {
    journal_.claim(node_, {3, 1'000});
    ADD_FAILURE() << "who knows what it had taken";
  } catch (const pg::Error& error) {
    EXPECT_TRUE(error.connection_lost()) << error.what();
  }
}

TEST_F(ClaimingAhead, OpensSessionsAgainThatEndedUnused) {
  EXPECT_EQ(readers("true"), 2);
  end_readers();
  EXPECT_TRUE(eventually([&] { return readers("true") == 0; }));
  make_ready_ahead(2);
}

// Where nobody answers who wants to connect, until it is closed.
class SilentServer {
 public:
  SilentServer() { EXPECT_TRUE(socket_); }

  pg::ConnectOptions options() const {
    pg::ConnectOptions options;
    options.url = "host=" + directory_.path().string() + " port=5432";
    options.connect_timeout = std::chrono::milliseconds{0};
    return options;
  }

  // Whether somebody had come.
  bool turn_away() { return UniqueFd(::accept(socket_.get(), nullptr, nullptr)).get() >= 0; }
  void close() { socket_.reset(); }

 private:
  TempDir directory_;
  UniqueFd socket_ = listen_unix(directory_.path() / ".s.PGSQL.5432");
};

// If it did wait, this test would never end.
TEST_F(ClaimingAhead, WaitsForNoSessionThatIsStillToBeOpened) {
  SilentServer silent;
  PgJournal journal(connection_, silent.options());
  observer_.query("select evd.emit('one') from generate_series(1, 3)");
  for (int claim = 1; claim <= 3; ++claim) {
    const auto window = journal.claim(node_, {claim, 1, {}, 2});
    ASSERT_TRUE(window);
    EXPECT_EQ(window->ahead, 0U);
  }
  silent.close();
}

TEST_F(ClaimingAhead, TriesAgainAfterNoConnectionWasToBeHad) {
  SilentServer refusing;
  PgJournal journal(connection_, refusing.options());
  std::size_t attempts = 0;
  EXPECT_TRUE(eventually([&] {
    observer_.query("select evd.emit('one')");
    const auto window = journal.claim(node_, {1, 1, {}, 2});
    EXPECT_TRUE(window && window->ahead == 0);
    attempts += refusing.turn_away() ? 1 : 0;
    return attempts > journal::k_most_ahead;
  }));
  refusing.close();
}

TEST_F(ClaimingAhead, ReconcilingWaitsForClaimsOfALostConnection) {
  hold_claims();
  observer_.query("select evd.emit('one') from generate_series(1, 2)");
  const auto waiting = [this] {
    return number(observer_,
                  "select count(*) from pg_stat_activity where datname = current_database() and "
                  "wait_event_type = 'Lock'");
  };
  const auto claim = [this](std::int64_t token) {
    return std::async(std::launch::async, [this, token] {
      database_.connect().query("select evd.claim($1, $2, 1)", params(node_, token));
    });
  };
  auto known = claim(2);
  EXPECT_TRUE(eventually([&] { return waiting() == 1; }));
  auto lost = claim(3);
  EXPECT_TRUE(eventually([&] { return waiting() == 2; }));
  auto left = std::async(std::launch::async, [this] {
    return journal_.reconcile(node_, {{2}, {}});
  });
  EXPECT_TRUE(eventually([&] { return waiting() == 3; }));
  observer_.query("select pg_advisory_unlock(77)");
  known.get();
  lost.get();
  const auto windows = left.get();
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].token, 2);
  EXPECT_EQ(
      number(observer_,
             "select count(*) from evd.event_window where token = 3 and closed_at is not null"),
      1);
}

// Its answer is there before the commit is.
TEST_F(PgJournalTest, AClaimThatCannotBeCommittedFails) {
  connection_.run_script(
      "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;"
      "create constraint trigger refuse after insert on evd.event_window "
      "deferrable initially deferred for each row execute function refuse()");
  connection_.query("select evd.emit('one')");
  EXPECT_THROW(journal_.claim(node_, {1, 10}), pg::Error);
}

TEST_F(PgJournalTest, ACloseWaitsForNoSqlBatch) {
  connection_.query("select evd.emit('one')");
  const auto window = journal_.claim(node_, {1, 10});
  ASSERT_TRUE(window);
  pg::Connection batch = database_.connect();
  batch.query("begin");
  batch.query("select from evd.hold_share($1, 'a', $2, $3)", params(window->ref.id, node_, 1));
  EXPECT_EQ(journal_.close(node_, window->ref, {}), CloseResult::k_busy);
  batch.query("rollback");
  EXPECT_EQ(journal_.close(node_, window->ref, {}), CloseResult::k_closed);
}

// One that stops amid a transaction holds its rows: it must be gone when its node is.
TEST_F(PgJournalTest, ASessionWaitsAmidATransactionForLessThanItsNodeLives) {
  Config config;
  config.database.url = database_.url();
  config.recovery.node_timeout = seconds{40};
  pg::Connection session = pg::Connection::open(journal::session_options(config, "evd"));
  EXPECT_EQ(value(session, "show idle_in_transaction_session_timeout"), "20s");
}

TEST_F(PgJournalTest, ASleeperIsNotPastATransactionInFlight) {
  pg::Connection slow = database_.connect();
  slow.query("begin");
  slow.query("select evd.emit('one')");
  const std::uint64_t armed = journal_.arm();
  EXPECT_FALSE(journal_.is_past(armed));
  slow.query("commit");
  EXPECT_TRUE(eventually([&] { return journal_.is_past(armed); }));
}

TEST_F(PgJournalTest, EmittersNotifyOnlyWhileSomebodySleeps) {
  pg::Connection sleeper = database_.connect();
  sleeper.query("listen evd");
  connection_.query("select evd.emit('one')");
  sleeper.query("select 1");  // would bring a notification along
  EXPECT_FALSE(sleeper.consume_notifications());
  journal_.arm();
  connection_.query("select evd.emit('one')");
  EXPECT_TRUE(sleeper.wait_notification(seconds{20}));
  journal_.disarm();
  connection_.query("select evd.emit('one')");
  sleeper.query("select 1");
  EXPECT_FALSE(sleeper.consume_notifications());
}

}  // namespace
}  // namespace evd::test
