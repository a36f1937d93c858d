// The journal in PostgreSQL. It borrows a connection of the thread that calls it, sends statements
// through it alone, and keeps no state but claims that were begun ahead, which have connections of
// their own: after a lost connection the owner opens another and makes a new PgJournal.
#pragma once

#include "common/journal/claims_ahead.hpp"
#include "common/journal/journal.hpp"
#include "common/pg/connection.hpp"

namespace evd::journal {

class PgJournal : public Journal {
 public:
  explicit PgJournal(pg::Connection& connection) : connection_(connection) {}
  // `ahead`: how to open connections for claiming ahead; without, nothing is.
  PgJournal(pg::Connection& connection, pg::ConnectOptions ahead)
      : connection_(connection), ahead_(std::in_place, std::move(ahead)) {}
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
  Late mark_late(Milliseconds stalled_after, int limit) override;
  void watch(Milliseconds after) override;
  int make_partitions(int days) override;
  int summarize_log() override;

  std::vector<OldPartition> old_partitions(Milliseconds age) override;
  std::string drop_partition(const std::string& name) override;
  int prune(Milliseconds age, int limit) override;

  // Whether anything may still run by itself, now or later.
  bool has_outstanding();
  // Pairs escalated by an attempt of this node.
  int escalated_by(NodeId node);

 private:
  pg::Result query(const std::string& sql, const pg::Params& params,
                   pg::Format format = pg::Format::k_text);

  pg::Connection& connection_;
  std::optional<ClaimsAhead> ahead_;
  NodeId begun_for_ = 0;
};

}  // namespace evd::journal
