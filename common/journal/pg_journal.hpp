// The journal in PostgreSQL. It borrows a connection of the thread that calls it, sends statements
// through it alone, and keeps no state but a claim that was begun: after a lost connection the
// owner opens another and makes a new PgJournal. What was claimed ahead another thread reads, since
// the server stops when the socket is full; meanwhile (is_reading()) nobody else touches the
// connection.
#pragma once

#include <future>

#include "common/journal/journal.hpp"
#include "common/pg/connection.hpp"
#include "common/pg/pipeline.hpp"

namespace evd::journal {

class PgJournal : public Journal {
 public:
  explicit PgJournal(pg::Connection& connection) : connection_(connection) {}
  PgJournal(const PgJournal&) = delete;
  PgJournal& operator=(const PgJournal&) = delete;

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
  int mark_overdue(int limit) override;
  int mark_stalled(Milliseconds after, int limit) override;
  void watch(Milliseconds after) override;
  int make_partitions(int days) override;
  int summarize_log() override;

  std::vector<OldPartition> old_partitions(Milliseconds age) override;
  std::string drop_partition(const std::string& name) override;
  int prune(Milliseconds age, int limit) override;

  // Whether another thread reads from the connection: then nobody may touch it. The journal's own
  // statements wait for that.
  bool is_reading() const;

  // Whether anything may still run by itself, now or later.
  bool has_outstanding();
  // Pairs escalated by an attempt of this node.
  int escalated_by(NodeId node);

 private:
  struct Claimed {
    pg::Result window;
    std::optional<Window> read;  // none: its events are still to be asked for
    std::optional<pg::Error> error;
  };
  struct BegunClaim {
    NodeId node = 0;
    ClaimRequest request;
    Claimed claimed;  // once it was waited for
  };

  static Claimed read_claim(pg::Pipeline& pipeline);
  void begin_claim(NodeId node, const ClaimRequest& request, std::launch how);
  void await_claim();
  BegunClaim take_claim();
  pg::Result query(const std::string& sql, const pg::Params& params,
                   pg::Format format = pg::Format::k_text);

  pg::Connection& connection_;
  std::optional<BegunClaim> begun_;
  // Both while the answers to begun_ have not been waited for, else neither.
  std::optional<pg::Pipeline> pipeline_;
  std::future<Claimed> answers_;  // last: it uses the pipeline
};

}  // namespace evd::journal
