// The log and everything recorded about it, behind an interface: PgJournal keeps it in PostgreSQL,
// MemoryJournal in this process for tests; both pass tests/support/journal_conformance. One thread
// owns a journal.
//
// Every call is one short transaction of its own. PgJournal throws pg::Error; any call that needs a
// living node throws NodeFenced when the node was taken over, after which it must drop everything
// it holds and register anew.
#pragma once

#include "common/base/error.hpp"
#include "common/journal/types.hpp"

namespace evd::journal {

class NodeFenced : public Error {
 public:
  using Error::Error;
};

class Journal {
 public:
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  virtual ~Journal() = default;

  // --- nodes
  virtual NodeId register_node(const NodeInfo& info) = 0;
  virtual bool heartbeat(NodeId node) = 0;  // false: fenced
  virtual void leave(NodeId node) = 0;      // what it still holds is free to be taken over at once

  // --- the window path
  virtual std::vector<Route> routes() = 0;  // all, the retired ones too
  // The next window; none: there was nothing to take. Where some were begun ahead, it is the oldest
  // of them that found anything when it looked, which may be a while ago, and the request counts
  // only for those to be begun.
  virtual std::optional<Window> claim(NodeId node, const ClaimRequest& request) = 0;
  virtual CloseResult close(NodeId node, const WindowRef& window, const CloseRequest& request) = 0;
  // After a lost connection: gives back, uncounted, whatever the database says that the node holds
  // and the node does not know of (its answer was lost on the way). Returns the node's open windows
  // that are left.
  virtual std::vector<WindowRef> reconcile(NodeId node, const Held& held) = 0;

  // --- what was put off as a whole
  virtual std::optional<Part> take_part(NodeId node, std::int64_t token,
                                        const std::vector<std::string>& handlers,
                                        const SharesOnly& shares_only = {}) = 0;
  // Pairs up to `upto` are done or in `pairs`; the rest stays a part for whoever takes it. nullopt:
  // all of it is done or in `pairs`. False: the lease was lost.
  virtual bool close_part(NodeId node, const PartRef& part, const std::optional<Position>& upto,
                          const std::vector<OpenPair>& pairs) = 0;

  // --- single pairs
  virtual std::vector<Delivery> take_deliveries(NodeId node, const TakeRequest& request) = 0;
  virtual int finish(
      NodeId node, const std::vector<FinishedRun>& runs) = 0;  // how many were the node's to report

  // --- breakers: while a handler's is open, only the node that has leased its probe may take its
  // parts and deliveries
  // Tells the owner. False: it was open already.
  virtual bool open_breaker(NodeId node, const std::string& handler, const std::string& error) = 0;
  // For half a minute; the same node may ask again. False: not yet, or it is another node's turn.
  virtual bool lease_probe(NodeId node, const std::string& handler) = 0;
  // Heard from it: the breaker closes. False: the lease had ended.
  virtual bool end_probe(NodeId node, const std::string& handler, bool was_heard) = 0;

  // --- sleeping
  virtual PollResult poll(NodeId node, const PollRequest& request) = 0;
  virtual std::uint64_t arm() = 0;                // emitters notify from now on
  virtual bool is_past(std::uint64_t armed) = 0;  // no emitter can have missed it any more
  virtual void disarm() = 0;

  // --- recovery
  virtual std::vector<StaleNode> stale_nodes(Milliseconds timeout) = 0;
  virtual bool fence(const StaleNode& node) = 0;  // false: its heartbeat moved
  virtual int take_over(int limit) = 0;  // windows, parts and deliveries freed; 0: none left
  virtual std::optional<Milliseconds> unread_age() = 0;  // of the oldest event that nobody took
  // An evd that hosts handlers, and so reads the log.
  virtual bool has_living_daemon(Milliseconds timeout) = 0;
  // Notes pairs that are past their deadline, and tells of those unresolved for `stalled_after`, up
  // to `limit` of each that were not before; and of parts put off for as long.
  virtual Late mark_late(Milliseconds stalled_after, int limit) = 0;
  // Tells what has been wrong with the installation as a whole for `after`, and that it is over.
  virtual void watch(Milliseconds after) = 0;
  virtual int make_partitions(int days) = 0;
  virtual int summarize_log() = 0;  // so that an event is found quickly by its id

  // --- retention: of what was emitted longer ago than `age`
  virtual std::vector<OldPartition> old_partitions(Milliseconds age) = 0;  // oldest first
  virtual std::string drop_partition(const std::string& name) = 0;  // why it is kept; empty: gone
  // Deletes a page of rows about what is gone, or may go one by one. 0: that was all.
  virtual int prune(Milliseconds age, int limit) = 0;
};

}  // namespace evd::journal
