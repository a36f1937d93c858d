#include "tests/support/journal_conformance.hpp"

#include "common/base/random.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {

void make_ready_ahead(journal::Journal& journal, journal::NodeId node, std::size_t ahead,
                      const std::function<void()>& emit) {
  EXPECT_TRUE(eventually([&] {
    emit();
    const auto window = journal.claim(node, {1, 1, {}, ahead});
    if (!window) return false;
    journal.close(node, window->ref, {});
    const bool has_more = window->ahead > 0 && journal.claim(node, {1, 1});
    EXPECT_FALSE(has_more) << "nothing was emitted for what was begun";
    return window->ahead == ahead;
  }));
}

using journal::CloseRequest;
using journal::OpenPair;
using journal::OutcomeKind;

journal::HandlerPolicy JournalConformance::policy(const std::string& name) {
  journal::HandlerPolicy policy;
  policy.name = name;
  policy.max_attempts = 5;
  policy.is_sql = name == "s";
  return policy;
}

TestNode JournalConformance::node(const std::string& kind, std::vector<std::string> handlers) {
  journal::Journal& journal = fixture_->journal();
  return {&journal, journal.register_node({"test", kind, "1", std::move(handlers)})};
}

void JournalConformance::kill(const TestNode& node) {
  advance(std::chrono::seconds{1});
  for (const journal::StaleNode& stale : node.journal->stale_nodes(Milliseconds{500})) {
    if (stale.id == node.id) {
      ASSERT_TRUE(node.journal->fence(stale));
    }
  }
  ASSERT_FALSE(node.journal->heartbeat(node.id));
}

journal::Window JournalConformance::claim(const TestNode& node, int limit) {
  auto window = node.journal->claim(node.id, {random_token(), limit});
  if (!window) throw Error("there was nothing to claim");
  return *window;
}

journal::CloseResult JournalConformance::close(const TestNode& node, const journal::Window& window,
                                               std::vector<OpenPair> pairs,
                                               std::vector<journal::DeferredShare> deferred) {
  CloseRequest request{std::move(deferred), std::move(pairs), false};
  for (const journal::Event& event : window.events) request.has_later |= event.is_later;
  return node.journal->close(node.id, window.ref, request);
}

std::int64_t JournalConformance::emit_failed(const TestNode& node) {
  const std::int64_t id = emit("one");
  close(node, claim(node), {open_pair(id, State::k_retry, "boom")});
  return id;
}

std::int64_t JournalConformance::emit_queued(const TestNode& node) {
  const std::int64_t id = emit("one");
  close(node, claim(node), {open_pair(id, State::k_queued)});
  return id;
}

void JournalConformance::defer(const TestNode& node, const std::string& handler) {
  close(node, claim(node), {}, {{handler, {}}});
}

std::optional<journal::Part> JournalConformance::take_part(
    const TestNode& node, const std::vector<std::string>& handlers) {
  return node.journal->take_part(node.id, random_token(), handlers);
}

std::vector<journal::Delivery> JournalConformance::take(const TestNode& node,
                                                        const std::string& handler, int slots) {
  return node.journal->take_deliveries(node.id, {{{handler, slots}}, false, Milliseconds{0}});
}

int JournalConformance::run_due(const TestNode& node, OutcomeKind kind, const std::string& error) {
  const auto taken = take(node);
  if (taken.size() != 1)
    throw Error("one delivery was to be due, not " + std::to_string(taken.size()));
  return finish(node, taken[0].event.id, taken[0].run, kind, error);
}

int JournalConformance::finish(const TestNode& node, std::int64_t event_id, int run,
                               OutcomeKind kind, const std::string& error) {
  journal::FinishedRun finished{event_id, "a", run, {}};
  finished.outcome.kind = kind;
  finished.outcome.error = error;
  return node.journal->finish(node.id, {finished});
}

journal::DeliveryRow JournalConformance::row(std::int64_t event_id, const std::string& handler) {
  for (const journal::DeliveryRow& row : fixture_->deliveries()) {
    if (row.event_id == event_id && row.handler == handler) return row;
  }
  throw Error("no delivery of event " + std::to_string(event_id) + " to " + handler);
}

std::vector<std::string> JournalConformance::alert_kinds() {
  std::vector<std::string> kinds;
  for (const journal::AlertRow& alert : fixture_->alerts()) kinds.push_back(alert.kind);
  return kinds;
}

std::vector<std::int64_t> ids(const std::vector<journal::Event>& events) {
  std::vector<std::int64_t> result;
  for (const journal::Event& event : events) result.push_back(event.id);
  return result;
}

std::vector<std::int64_t> ids(const std::vector<journal::Delivery>& deliveries) {
  std::vector<std::int64_t> result;
  for (const journal::Delivery& delivery : deliveries) result.push_back(delivery.event.id);
  return result;
}

OpenPair open_pair(std::int64_t event_id, OpenPair::State state, const std::string& error,
                   std::optional<Milliseconds> retry_after) {
  return {event_id, "a", state, error, retry_after};
}

testing::Matcher<Milliseconds> about(Milliseconds expected) {
  return testing::AllOf(testing::Le(expected), testing::Gt(expected - std::chrono::seconds{5}));
}

}  // namespace evd::test
