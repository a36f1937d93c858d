// What every Journal must do, as tests that run on each of them, so that the fake cannot drift from
// PostgreSQL. The tests are in journal_conformance_suite.hpp.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/journal/memory_journal.hpp"

namespace evd::test {

// One log, and what is done to it by others than its nodes. Belongs to the test's thread.
class JournalFixture {
 public:
  JournalFixture() = default;
  JournalFixture(const JournalFixture&) = delete;
  JournalFixture& operator=(const JournalFixture&) = delete;
  virtual ~JournalFixture() = default;

  // For one more node; lives as long as the fixture. Another thread may own it.
  virtual journal::Journal& journal() = 0;

  virtual void add_route(const std::string& event_name, const std::vector<std::string>& expected,
                         Milliseconds deadline, bool alert_timeout) = 0;
  virtual void set_handler(const journal::HandlerPolicy& policy) = 0;
  virtual void pause(const std::string& handler) = 0;
  virtual void resume(const std::string& handler) = 0;
  virtual std::int64_t emit(const std::string& event_name, const std::string& args,
                            const journal::EmitOptions& options) = 0;
  // Afterwards all that is written is so much older, and all that is to come so much nearer.
  virtual void advance(Milliseconds duration) = 0;

  virtual std::vector<journal::DeliveryRow> deliveries() = 0;  // by event and handler
  virtual std::vector<journal::AlertRow> alerts() = 0;         // oldest first
  virtual bool settled(std::int64_t event_id) = 0;             // status 2
};

using MakeJournalFixture = std::function<std::unique_ptr<JournalFixture>()>;

struct TestNode {
  journal::Journal* journal = nullptr;
  journal::NodeId id = 0;
};

// A journal may need a while until it can claim ahead; until then it takes one window after the
// other. What is emitted meanwhile is taken and closed.
void make_ready_ahead(journal::Journal& journal, journal::NodeId node, std::size_t ahead,
                      const std::function<void()>& emit);

// Routes: `one` expects a; `two` expects a and b; `mixed` expects a and s, which is an sql handler.
// All handlers retry after 10, 30, 90 … seconds, alert after 3 attempts and give up after 5.
class JournalConformance : public testing::TestWithParam<MakeJournalFixture> {
 protected:
  using State = journal::OpenPair::State;

  void SetUp() override {
    fixture_ = GetParam()();
    for (const char* name : {"a", "b", "s"}) set_handler(policy(name));
    fixture_->add_route("one", {"a"}, std::chrono::minutes{5}, false);
    fixture_->add_route("two", {"a", "b"}, std::chrono::minutes{5}, false);
    fixture_->add_route("mixed", {"a", "s"}, std::chrono::minutes{5}, false);
  }

  JournalFixture& fixture() { return *fixture_; }
  static journal::HandlerPolicy policy(const std::string& name);
  void set_handler(const journal::HandlerPolicy& policy) { fixture_->set_handler(policy); }

  TestNode node(const std::string& kind = "evd", std::vector<std::string> handlers = {});
  void make_ready_ahead(const TestNode& node, std::size_t ahead) {
    test::make_ready_ahead(*node.journal, node.id, ahead, [this] { emit("one"); });
  }
  // Its heartbeat stops, and somebody declares it dead.
  void kill(const TestNode& node);

  std::int64_t emit(const std::string& event_name, const journal::EmitOptions& options = {}) {
    return fixture_->emit(event_name, "[]", options);
  }
  std::int64_t emit_later(const std::string& event_name, Milliseconds after) {
    return emit(event_name, {std::nullopt, after});
  }
  void advance(Milliseconds duration) { fixture_->advance(duration); }

  // All that nobody has taken, which must be something.
  journal::Window claim(const TestNode& node, int limit = 1000);
  journal::CloseResult close(const TestNode& node, const journal::Window& window,
                             std::vector<journal::OpenPair> pairs = {},
                             std::vector<journal::DeferredShare> deferred = {});
  // An event of `one` that has failed once, or waits for its first attempt.
  std::int64_t emit_failed(const TestNode& node);
  std::int64_t emit_queued(const TestNode& node);
  // An event's window in which a handler's whole share was put off.
  void defer(const TestNode& node, const std::string& handler);

  static std::optional<journal::Part> take_part(const TestNode& node,
                                                const std::vector<std::string>& handlers);
  static std::vector<journal::Delivery> take(const TestNode& node, const std::string& handler = "a",
                                             int slots = 100);
  // Takes the one delivery that is due and reports how it went; how many runs were the node's.
  int run_due(const TestNode& node, journal::OutcomeKind kind, const std::string& error = "");
  static int finish(const TestNode& node, std::int64_t event_id, int run, journal::OutcomeKind kind,
                    const std::string& error = "");

  // The row of a pair, which must exist.
  journal::DeliveryRow row(std::int64_t event_id, const std::string& handler = "a");
  std::vector<std::string> alert_kinds();

 private:
  std::unique_ptr<JournalFixture> fixture_;
};

std::vector<std::int64_t> ids(const std::vector<journal::Event>& events);
std::vector<std::int64_t> ids(const std::vector<journal::Delivery>& deliveries);
journal::OpenPair open_pair(std::int64_t event_id, journal::OpenPair::State state,
                            const std::string& error = "",
                            std::optional<Milliseconds> retry_after = std::nullopt);

// Time that passes by itself while a test runs on PostgreSQL is allowed for.
testing::Matcher<Milliseconds> about(Milliseconds expected);

}  // namespace evd::test
