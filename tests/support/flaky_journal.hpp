// A journal whose connection breaks where its test says so: before a call took effect, or after it
// and before the answer came. Or one that takes long to answer. Counts calls. Belongs to the test's
// thread; the journal behind it outlives it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "common/journal/journal.hpp"
#include "common/pg/error.hpp"

namespace evd::test {

class FlakyJournal : public journal::Journal {
 public:
  explicit FlakyJournal(journal::Journal& inner) : inner_(inner) {}

  // --- what the test does; each once
  void lose_answer(const std::string& call) { unanswered_.insert(call); }
  void lose_request(const std::string& call) { unsent_.insert(call); }
  // Done after the call took effect and before it answers.
  void before_answer(const std::string& call, std::function<void()> action) {
    meanwhile_[call] = std::move(action);
  }
  void lose_windows() { are_windows_lost_ = true; }  // as a crash that took their claims
  void stay_busy(int closes) { busy_ = closes; }
  void set_past(bool is_past) { is_past_ = is_past; }
  int calls(const std::string& call) const {
    const auto found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
  }

  // --- Journal
  journal::NodeId register_node(const journal::NodeInfo& info) override {
    return inner_.register_node(info);
  }
  bool heartbeat(journal::NodeId node) override { return inner_.heartbeat(node); }
  void leave(journal::NodeId node) override { inner_.leave(node); }
  std::vector<journal::Route> routes() override {
    return call("routes", [&] { return inner_.routes(); });
  }
  std::optional<journal::Window> claim(journal::NodeId node,
                                       const journal::ClaimRequest& request) override {
    return call("claim", [&] { return inner_.claim(node, request); });
  }
  journal::CloseResult close(journal::NodeId node, const journal::WindowRef& window,
                             const journal::CloseRequest& request) override {
    return call("close", [&] {
      return busy_-- > 0 ? journal::CloseResult::k_busy : inner_.close(node, window, request);
    });
  }
  std::vector<journal::WindowRef> reconcile(journal::NodeId node,
                                            const journal::Held& held) override {
    return call("reconcile", [&] {
      auto left = inner_.reconcile(node, held);
      if (std::exchange(are_windows_lost_, false)) left.clear();
      return left;
    });
  }
  std::optional<journal::Part> take_part(journal::NodeId node, std::int64_t token,
                                         const std::vector<std::string>& handlers,
                                         const journal::SharesOnly& shares_only) override {
    return call("take_part", [&] { return inner_.take_part(node, token, handlers, shares_only); });
  }
  bool close_part(journal::NodeId node, const journal::PartRef& part,
                  const std::optional<journal::Position>& upto,
                  const std::vector<journal::OpenPair>& pairs) override {
    return call("close_part", [&] { return inner_.close_part(node, part, upto, pairs); });
  }
  std::vector<journal::Delivery> take_deliveries(journal::NodeId node,
                                                 const journal::TakeRequest& request) override {
    return call("take_deliveries", [&] { return inner_.take_deliveries(node, request); });
  }
  int finish(journal::NodeId node, const std::vector<journal::FinishedRun>& runs) override {
    return call("finish", [&] { return inner_.finish(node, runs); });
  }
  bool open_breaker(journal::NodeId node, const std::string& handler,
                    const std::string& error) override {
    return call("open_breaker", [&] { return inner_.open_breaker(node, handler, error); });
  }
  bool lease_probe(journal::NodeId node, const std::string& handler) override {
    return call("lease_probe", [&] { return inner_.lease_probe(node, handler); });
  }
  bool end_probe(journal::NodeId node, const std::string& handler, bool was_heard) override {
    return call("end_probe", [&] { return inner_.end_probe(node, handler, was_heard); });
  }
  journal::PollResult poll(journal::NodeId node, const journal::PollRequest& request) override {
    return call("poll", [&] { return inner_.poll(node, request); });
  }
  std::uint64_t arm() override {
    return call("arm", [&] { return inner_.arm(); });
  }
  bool is_past(std::uint64_t armed) override {
    return call("is_past", [&] { return is_past_ && inner_.is_past(armed); });
  }
  void disarm() override {
    ++calls_["disarm"];
    inner_.disarm();
  }
  std::vector<journal::StaleNode> stale_nodes(Milliseconds timeout) override {
    return inner_.stale_nodes(timeout);
  }
  bool fence(const journal::StaleNode& node) override { return inner_.fence(node); }
  int take_over(int limit) override { return inner_.take_over(limit); }
  std::optional<Milliseconds> unread_age() override { return inner_.unread_age(); }
  bool has_living_daemon(Milliseconds timeout) override {
    return inner_.has_living_daemon(timeout);
  }
  journal::Late mark_late(Milliseconds stalled_after, int limit) override {
    return inner_.mark_late(stalled_after, limit);
  }
  void watch(Milliseconds after) override { inner_.watch(after); }
  int make_partitions(int days) override {
    return call("make_partitions", [&] { return inner_.make_partitions(days); });
  }
  int summarize_log() override { return inner_.summarize_log(); }
  std::vector<journal::OldPartition> old_partitions(Milliseconds age) override {
    return call("old_partitions", [&] { return inner_.old_partitions(age); });
  }
  std::string drop_partition(const std::string& name) override {
    return inner_.drop_partition(name);
  }
  int prune(Milliseconds age, int limit) override { return inner_.prune(age, limit); }

 private:
  static pg::Error lost() { return pg::make_error("08006", "connection lost"); }

  template <typename Function>
  std::invoke_result_t<Function> call(const std::string& name, Function function) {
    ++calls_[name];
    if (unsent_.erase(name) > 0) throw lost();
    auto answer = function();
    if (const auto action = meanwhile_.extract(name)) action.mapped()();
    if (unanswered_.erase(name) > 0) throw lost();
    return answer;
  }

  journal::Journal& inner_;
  std::set<std::string> unanswered_, unsent_;
  std::map<std::string, std::function<void()>> meanwhile_;
  std::map<std::string, int> calls_;
  int busy_ = 0;
  bool are_windows_lost_ = false;
  bool is_past_ = true;
};

}  // namespace evd::test
