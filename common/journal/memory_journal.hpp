// The journal kept in this process, for tests: what PgJournal does without a database, by the same
// rules, with time read from a clock that a test advances. Events are visible as soon as they are
// emitted. Unlike other journals it may be shared: any thread may call it, so that several nodes of
// one test see the same log. The clock outlives it.
#pragma once

#include <memory>
#include <mutex>

#include "common/journal/journal.hpp"

namespace evd::journal {

struct HandlerPolicy {
  std::string name;
  int max_attempts = 10;
  int alert_after = 3;
  Milliseconds backoff_base{10'000};
  double backoff_factor = 3.0;
  Milliseconds backoff_max{3'600'000};
  double backoff_jitter = 0;  // a share of the delay, up or down
  bool is_sql = false;
  bool is_cron = false;  // only recovery passes of evrecover run it again
};

struct EmitOptions {
  std::optional<std::string> key;
  std::optional<Milliseconds> deliver_after;
};

// What a test sees of a pair's row.
struct DeliveryRow {
  std::int64_t event_id = 0;
  std::string handler;
  std::string state;  // waiting, running, done, escalated
  int run = 0;
  int attempts = 0;
  int max_attempts = 0;
  int handed_back = 0;
  Milliseconds due_in{0};  // negative: it is due
  NodeId node = 0;         // 0: not running
  bool is_suspect = false;
  bool is_alerted = false;
  std::string last_error;
};

struct AlertRow {
  std::string kind;
  std::string event_name;     // empty: about a whole part
  std::int64_t event_id = 0;  // 0: about a whole part
  std::string handler;
  int attempts = 0;
  std::string error;
};

struct MemoryTables;

class MemoryJournal : public Journal {
 public:
  explicit MemoryJournal(const Clock& clock);
  ~MemoryJournal() override;

  // --- what applications, evctl and the views do
  int add_route(const std::string& event_name, std::vector<std::string> expected,
                Milliseconds deadline = std::chrono::minutes{5}, bool alert_timeout = false);
  void set_handler(HandlerPolicy policy);
  void pause(const std::string& handler);
  void resume(const std::string& handler);
  // Throws evd::Error when the event has no route.
  std::int64_t emit(const std::string& event_name, const std::string& args = "[]",
                    const EmitOptions& options = {});
  // An sql handler's batch ended: its share of the open window is done up to there.
  bool record_share(NodeId node, const WindowRef& window, const std::string& handler,
                    const Position& upto);
  std::vector<DeliveryRow> deliveries() const;  // by event and handler
  std::vector<AlertRow> alerts() const;         // oldest first
  bool settled(std::int64_t event_id) const;    // status 2: all its handlers are done
  bool is_armed() const;

  // --- Journal
  NodeId register_node(const NodeInfo& info) override;
  bool heartbeat(NodeId node) override;
  void leave(NodeId node) override;

  std::vector<Route> routes() override;
  std::optional<Window> claim(NodeId node, const ClaimRequest& request) override;
  CloseResult close(NodeId node, const WindowRef& window, const CloseRequest& request) override;
  std::vector<WindowRef> reconcile(NodeId node, const Held& held) override;

  std::optional<Part> take_part(NodeId node, std::int64_t token,
                                const std::vector<std::string>& handlers,
                                const SharesOnly& shares_only = {}) override;
  bool close_part(NodeId node, const PartRef& part, const std::optional<Position>& upto,
                  const std::vector<OpenPair>& pairs) override;

  std::vector<Delivery> take_deliveries(NodeId node, const TakeRequest& request) override;
  int finish(NodeId node, const std::vector<FinishedRun>& runs) override;

  bool open_breaker(NodeId node, const std::string& handler, const std::string& error) override;
  bool lease_probe(NodeId node, const std::string& handler) override;
  bool end_probe(NodeId node, const std::string& handler, bool was_heard) override;

  PollResult poll(NodeId node, const PollRequest& request) override;
  std::uint64_t arm() override;
  bool is_past(std::uint64_t armed) override;
  void disarm() override;

  std::vector<StaleNode> stale_nodes(Milliseconds timeout) override;
  bool fence(const StaleNode& node) override;
  int take_over(int limit) override;
  std::optional<Milliseconds> unread_age() override;
  bool has_living_daemon(Milliseconds timeout) override;
  Late mark_late(Milliseconds stalled_after, int limit) override;
  void watch(Milliseconds after) override;
  int make_partitions(int days) override;
  int summarize_log() override;

  std::vector<OldPartition> old_partitions(Milliseconds age) override;
  std::string drop_partition(const std::string& name) override;
  int prune(Milliseconds age, int limit) override;

 private:
  int mark_overdue(int limit);
  int mark_stalled(Milliseconds after, int limit);
  std::optional<Window> claim_now(NodeId node, const ClaimRequest& request);

  mutable std::mutex mutex_;              // guards all that tables_ points to
  std::unique_ptr<MemoryTables> tables_;  // never null
};

}  // namespace evd::journal
