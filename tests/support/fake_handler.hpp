// Handlers that do nothing by themselves: they keep what they were given until the test ends it.
// They belong to the test's thread, and report to the sink at once.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/handlers/handler.hpp"

namespace evd::test {

template <typename Base>
class FakeAttempts : public Base {
 public:
  FakeAttempts(std::string name, handlers::Sink& sink, int capacity)
      : name_(std::move(name)), sink_(sink), capacity_(capacity) {}

  const std::string& name() const override { return name_; }
  int capacity() const override { return capacity_; }

  void start(handlers::Batch batch) override {
    for (std::size_t i = 0; i < batch.attempts.size(); ++i) {
      started_.push_back(batch.attempts[i]);
      running_.push_back({batch.id, static_cast<std::uint32_t>(i), batch.attempts[i]});
    }
    most_at_once_ = std::max(most_at_once_, running_.size());
    batches_.push_back(std::move(batch));
  }

  void interrupt() override {
    ++interrupts_;
    end_all({journal::OutcomeKind::k_handed_back, "", {}});
  }

  // --- what the test does
  void set_capacity(int capacity) { capacity_ = capacity; }

  // Ends the attempt of the event that runs the longest.
  void end(std::int64_t event_id, journal::Outcome outcome = {}) {
    const auto found = std::find_if(running_.begin(), running_.end(), [&](const Running& attempt) {
      return attempt.attempt.event->id == event_id;
    });
    if (found == running_.end()) throw Error(name_ + " does not run this event");
    const Running ended = *found;
    running_.erase(found);
    sink_.finished({{ended.batch, ended.index, std::move(outcome)}});
  }

  void end_all(const journal::Outcome& outcome = {}) {
    std::vector<handlers::Result> results;
    for (const Running& ended : running_) results.push_back({ended.batch, ended.index, outcome});
    running_.clear();
    if (!results.empty()) sink_.finished(std::move(results));
  }

  // --- what the test sees
  std::vector<std::int64_t> running() const {
    std::vector<std::int64_t> ids;
    for (const Running& attempt : running_) ids.push_back(attempt.attempt.event->id);
    return ids;
  }
  std::vector<std::int64_t> started() const {  // all of them, in order
    std::vector<std::int64_t> ids;
    for (const handlers::Attempt& attempt : started_) ids.push_back(attempt.event->id);
    return ids;
  }
  const handlers::Attempt& last_attempt() const { return started_.back(); }
  const std::vector<handlers::Batch>& batches() const { return batches_; }
  std::size_t most_at_once() const { return most_at_once_; }
  int interrupts() const { return interrupts_; }

 protected:
  handlers::Sink& sink() { return sink_; }

 private:
  struct Running {
    std::uint64_t batch;
    std::uint32_t index;
    handlers::Attempt attempt;
  };

  std::string name_;
  handlers::Sink& sink_;
  int capacity_;
  std::vector<Running> running_;
  std::vector<handlers::Attempt> started_;
  std::vector<handlers::Batch> batches_;
  std::size_t most_at_once_ = 0;
  int interrupts_ = 0;
};

using FakeHandler = FakeAttempts<handlers::Handler>;

// As an sql handler, but the test records the progress of its shares in the journal.
class FakeShareHandler : public FakeAttempts<handlers::ShareHandler> {
 public:
  using FakeAttempts::FakeAttempts;

  int ahead() const override { return ahead_; }
  void set_ahead(int shares) { ahead_ = shares; }

  void start_share(journal::ShareRef share) override {
    shares_.push_back(std::move(share));
    ++started_shares_;
  }
  void stop_share(const journal::ShareRef& share) override { stopped_.push_back(share); }

  // Ends the share that runs the longest.
  void end_share(journal::ShareResult result, int ran = 0, const std::string& unreachable = {},
                 int failed = 0) {
    const journal::ShareRef share = shares_.at(0);
    shares_.erase(shares_.begin());
    sink().share_ended({share, result, ran, failed, unreachable});
  }

  const std::vector<journal::ShareRef>& shares() const { return shares_; }  // that run
  const std::vector<journal::ShareRef>& stopped() const { return stopped_; }
  int started_shares() const { return started_shares_; }

 private:
  std::vector<journal::ShareRef> shares_;
  std::vector<journal::ShareRef> stopped_;
  int started_shares_ = 0;
  int ahead_ = 0;
};

}  // namespace evd::test
