// A dispatcher on a journal in memory, with handlers that the test drives and a clock that it
// moves. Everything happens in the test's thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/dispatch/dispatcher.hpp"
#include "common/journal/memory_journal.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_handler.hpp"
#include "tests/support/flaky_journal.hpp"

namespace evd::test {

using journal::OutcomeKind;
using testing::ElementsAre;
using testing::IsEmpty;

inline const journal::Outcome k_try_again{OutcomeKind::k_retry, "no luck", {}};
inline const journal::Outcome k_hopeless{OutcomeKind::k_failed, "never", {}};

// Handlers a, b and s, which is an sql handler, and events of the routes a, b, s, ab and as. A
// window holds up to 10 events and is spilled after 1 s, pauses and what is due are looked for
// every second, and what failed is retried after 10 s.
class DispatcherFixture : public testing::Test {
 protected:
  DispatcherFixture() {
    for (const char* name : {"a", "b", "s", "elsewhere"}) {
      journal::HandlerPolicy policy;
      policy.name = name;
      policy.is_sql = policy.name == "s";
      memory_.set_handler(policy);
    }
    memory_.add_route("a", {"a"});
    memory_.add_route("b", {"b"});
    memory_.add_route("s", {"s"});
    memory_.add_route("ab", {"a", "b"});
    memory_.add_route("as", {"a", "s"});
    memory_.add_route("abroad", {"a", "elsewhere"});
    options_.batch_size = 10;
  }

  // Hosts those handlers, as a new node.
  void start(const std::vector<std::string>& hosted) {
    for (const std::string& name : hosted) {
      if (name == "s") {
        auto handler = std::make_unique<FakeShareHandler>(name, inbox_, 1);
        s_ = handler.get();
        handlers_[name] = std::move(handler);
      } else {
        auto handler = std::make_unique<FakeHandler>(name, inbox_, 100);
        (name == "a" ? a_ : b_) = handler.get();
        handlers_[name] = std::move(handler);
      }
    }
    dispatcher_.emplace(options_, handlers_, inbox_, clock_, logger_);
    join();
  }

  void join() {
    node_ = journal_.register_node({"test", "evd", "1", dispatcher_->handler_names()});
    dispatcher_->start_over(journal_, node_);
  }

  std::vector<std::int64_t> emit(const std::string& event_name, int count = 1,
                                 const journal::EmitOptions& options = {}) {
    std::vector<std::int64_t> ids;
    for (int i = 0; i < count; ++i) ids.push_back(memory_.emit(event_name, "[]", options));
    return ids;
  }

  // Steps until there is nothing to do now.
  void run() {
    for (int steps = 0; steps < 200; ++steps) {
      if (!dispatcher_->step()) return;
    }
    FAIL() << "the dispatcher finds something to do for ever";
  }

  // Lets the time pass as an owner would that steps whenever it is worth it.
  void run_for(Milliseconds duration) {
    const Clock::TimePoint end = clock_.now() + duration;
    for (int steps = 0; clock_.now() < end; ++steps) {
      if (steps == 10'000) FAIL() << "next_step_at does not move on";
      run();
      const auto next = std::clamp(dispatcher_->next_step_at(), clock_.now(), end);
      clock_.advance(std::chrono::ceil<Milliseconds>(next - clock_.now()));
    }
    run();
  }

  // The connection breaks in the next step; then the owner has another one.
  void break_and_resume() {
    EXPECT_THROW(run(), pg::Error);
    dispatcher_->resume(journal_);
  }

  void take_over() {
    memory_.leave(node_);
    while (memory_.take_over(100) > 0) {
    }
  }

  bool all_settled(const std::vector<std::int64_t>& ids) const {
    return std::all_of(ids.begin(), ids.end(), [&](auto id) { return memory_.settled(id); });
  }

  // Whether some of the handler's work waits in a part.
  bool has_part(const std::string& handler) {
    return memory_.poll(node_, {{handler}}).handlers.at(0).has_part;
  }

  // The handler's deliveries as "event state run/attempts".
  std::vector<std::string> rows(const std::string& handler) const {
    std::vector<std::string> rows;
    for (const journal::DeliveryRow& row : memory_.deliveries()) {
      if (row.handler != handler) continue;
      rows.push_back(std::to_string(row.event_id) + " " + row.state + " " +
                     std::to_string(row.run) + "/" + std::to_string(row.attempts));
    }
    return rows;
  }

  FakeClock clock_;
  journal::MemoryJournal memory_{clock_};
  FlakyJournal journal_{memory_};
  logging::RecordingLogger logger_;
  dispatch::Inbox inbox_;
  dispatch::DispatcherOptions options_;
  dispatch::HandlerMap handlers_;
  FakeHandler* a_ = nullptr;
  FakeHandler* b_ = nullptr;
  FakeShareHandler* s_ = nullptr;
  journal::NodeId node_ = 0;
  std::optional<dispatch::Dispatcher> dispatcher_;
};

}  // namespace evd::test
