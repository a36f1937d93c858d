#include "common/journal/memory_journal.hpp"

#include "tests/support/journal_conformance_suite.hpp"

namespace evd::test {
namespace {

using journal::MemoryJournal;

class FakeClock : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void advance(Milliseconds duration) { now_ += duration; }

 private:
  TimePoint now_;
};

class MemoryFixture : public JournalFixture {
 public:
  journal::Journal& journal() override { return journal_; }
  void add_route(const std::string& event_name, const std::vector<std::string>& expected,
                 Milliseconds deadline, bool alert_timeout) override {
    journal_.add_route(event_name, expected, deadline, alert_timeout);
  }
  void set_handler(const journal::HandlerPolicy& policy) override { journal_.set_handler(policy); }
  void pause(const std::string& handler) override { journal_.pause(handler); }
  void resume(const std::string& handler) override { journal_.resume(handler); }
  std::int64_t emit(const std::string& event_name, const std::string& args,
                    const journal::EmitOptions& options) override {
    return journal_.emit(event_name, args, options);
  }
  void advance(Milliseconds duration) override { clock_.advance(duration); }
  std::vector<journal::DeliveryRow> deliveries() override { return journal_.deliveries(); }
  std::vector<journal::AlertRow> alerts() override { return journal_.alerts(); }
  bool settled(std::int64_t event_id) override { return journal_.settled(event_id); }

 private:
  FakeClock clock_;
  MemoryJournal journal_{clock_};
};

INSTANTIATE_JOURNAL_CONFORMANCE(Memory, [] { return std::make_unique<MemoryFixture>(); });

class MemoryJournalTest : public testing::Test {
 protected:
  MemoryJournalTest() {
    journal_.set_handler({.name = "s", .is_sql = true});
    journal_.add_route("stored", {"s"});
    node_ = journal_.register_node({"test", "evd", "1", {"s"}});
  }

  FakeClock clock_;
  MemoryJournal journal_{clock_};
  journal::NodeId node_ = 0;
};

TEST_F(MemoryJournalTest, RefusesAnEventWithoutARoute) {
  EXPECT_THROW(journal_.emit("unheard_of"), Error);
}

TEST_F(MemoryJournalTest, AShareThatSqlBatchesFinishedLeavesNothing) {
  const auto id = journal_.emit("stored");
  const auto window = journal_.claim(node_, {7, 10});
  ASSERT_TRUE(window);
  const journal::Position end = window->events[0].position();
  EXPECT_FALSE(journal_.record_share(node_, {window->ref.id, 8}, "s", end)) << "stale token";
  EXPECT_TRUE(journal_.record_share(node_, window->ref, "s", end));
  EXPECT_TRUE(journal_.settled(id));
  EXPECT_EQ(journal_.close(node_, window->ref, {}), journal::CloseResult::k_closed);
  EXPECT_TRUE(journal_.settled(id));
  EXPECT_FALSE(journal_.take_part(node_, 9, {"s"}));
}

TEST_F(MemoryJournalTest, AShareThatSqlBatchesBeganGoesOnFromThere) {
  const auto first = journal_.emit("stored"), second = journal_.emit("stored");
  const auto window = journal_.claim(node_, {7, 10});
  ASSERT_TRUE(window);
  journal_.record_share(node_, window->ref, "s", window->events[0].position());
  journal_.leave(node_);
  EXPECT_EQ(journal_.take_over(10), 1);
  EXPECT_TRUE(journal_.settled(first));
  EXPECT_FALSE(journal_.settled(second));
  const auto other = journal_.register_node({"test", "evd", "1", {"s"}});
  const auto part = journal_.take_part(other, 9, {"s"});
  ASSERT_TRUE(part);
  EXPECT_THAT(ids(part->events), testing::ElementsAre(second));
}

TEST_F(MemoryJournalTest, JitterSpreadsRetriesAroundTheBackoff) {
  journal_.set_handler({.name = "j", .backoff_jitter = 0.2});
  journal_.add_route("spread", {"j"});
  std::vector<journal::OpenPair> pairs(50);
  for (auto& pair : pairs) {
    pair.event_id = journal_.emit("spread");
    pair.handler = "j";
    pair.state = journal::OpenPair::State::k_retry;
  }
  const auto window = journal_.claim(node_, {7, 100});
  ASSERT_TRUE(window);
  journal_.close(node_, window->ref, {{}, pairs, false});
  Milliseconds least = Milliseconds::max(), most{0};
  for (const journal::DeliveryRow& row : journal_.deliveries()) {
    EXPECT_THAT(row.due_in, testing::AllOf(testing::Ge(seconds{8}), testing::Le(seconds{12})));
    least = std::min(least, row.due_in);
    most = std::max(most, row.due_in);
  }
  EXPECT_LT(least, most);
}

}  // namespace
}  // namespace evd::test
