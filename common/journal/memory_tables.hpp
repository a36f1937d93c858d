// What a MemoryJournal holds, and the rules that several of its calls share; each is named as the
// SQL function that it follows. Private to MemoryJournal, whose mutex guards it.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <utility>

#include "common/journal/memory_journal.hpp"

namespace evd::journal {

struct MemoryTables {
  using TimePoint = Clock::TimePoint;
  using PairKey = std::pair<std::int64_t, std::string>;  // event and handler
  using PartKey = std::pair<std::int64_t, std::string>;  // window and handler

  struct RouteRow {
    Route route;
    Milliseconds deadline{0};
    bool alert_timeout = false;
  };

  struct HandlerRow {
    HandlerPolicy policy;
    bool is_paused = false;
    bool is_broken = false;
    std::string breaker_error;
    int probes = 0;
    TimePoint probe_at, probe_until;  // probe_until in the past: nobody has the lease
    NodeId probe_node = 0;
  };

  struct LogRow {
    Event event;
    TimePoint created_at;
    std::optional<TimePoint> due_at;
    TimePoint since() const { return due_at ? std::max(created_at, *due_at) : created_at; }
  };

  struct NodeRow {
    NodeInfo info;
    TimePoint heartbeat_at;
    int beats = 0;
    bool is_fenced = false;
  };

  // The rows [begin, end) of the log.
  struct WindowRow {
    WindowRef ref;
    NodeId node = 0;
    std::size_t begin = 0, end = 0;
    TimePoint opened_at;
    bool is_closed = false;
  };

  struct PartRow {
    bool is_deferred = false;  // else: done up to `upto`, in an open window
    Position upto;
    NodeId node = 0;  // 0: nobody holds it
    std::int64_t token = 0;
    TimePoint next_at, created_at;
    bool is_stalled = false;  // somebody was told
  };

  struct PairRow {
    DeliveryRow row;  // due_in is not kept
    TimePoint next_at, deadline_at, created_at;
    int round = 0;
    bool is_overdue = false, is_stalled = false;  // noted
  };

  explicit MemoryTables(const Clock& time) : clock(time) {}

  TimePoint now() const { return clock.now(); }
  const LogRow& event(std::int64_t id) const { return log.at(static_cast<std::size_t>(id - 1)); }
  const RouteRow& route_of(const LogRow& row) const;
  const HandlerRow* handler(const std::string& name) const;  // null: unknown
  int max_attempts(const std::string& name) const;
  bool is_hosted(const std::string& name) const;
  // What is due then may be taken now: evrecover leaves a living evd that much precedence.
  TimePoint due_before(const std::string& name, bool is_cron, Milliseconds precedence) const;
  bool is_probe_leased(const HandlerRow& row) const;
  bool may_probe(const HandlerRow& row, NodeId node) const;
  bool is_let_through(const HandlerRow& row, NodeId node) const;
  void free_probes(NodeId node);
  void close_breaker(const std::string& name);
  void tell_handler_recovered(const std::string& name);
  bool is_fenced(NodeId node) const;  // or unknown
  void require_living(NodeId node) const;

  WindowRow* held_window(NodeId node, const WindowRef& ref);  // null: not open, or not the node's
  bool contains(const WindowRow& window, std::int64_t event_id) const;
  bool is_later(const WindowRow& window, const LogRow& row) const;
  bool is_expected(const LogRow& row, const std::string& name) const;

  void settle_window(WindowRow& window, const std::vector<DeferredShare>& deferred,
                     const std::vector<OpenPair>& pairs, const std::vector<PairKey>& lost,
                     bool has_later);
  std::vector<DeferredShare> whole_shares(const WindowRow& window) const;  // of every handler
  void free_part(PartRow& part) const;
  void give_back_unknown(NodeId node, const std::vector<FinishedRun>& known);
  void take_over_window(WindowRow& window);
  void spill(const WindowRow& window, NodeId node, const OpenPair& pair, bool is_lost);
  void spill_later(const WindowRow& window);
  void fail_spilled(NodeId node, const std::vector<OpenPair>& pairs);

  PairRow* running(const PairKey& key, int run, NodeId node);  // null: not that node's run
  bool end_delivery(const PairKey& key, int run, NodeId node);
  bool hand_back(const PairKey& key, int run, NodeId node);
  bool fail_delivery(const PairKey& key, int run, NodeId node, const std::string& error,
                     bool is_permanent, const std::optional<Milliseconds>& retry_after);
  Milliseconds probe_delay(const std::string& name, int failed);
  Milliseconds retry_delay(const std::string& name, int attempts);
  void raise_alert(const std::string& kind, PairRow& pair, const std::string& error);
  std::string why_stalled(const std::string& name, const std::string& last_error) const;
  bool is_done(std::int64_t event_id, const std::string& name) const;

  const Clock& clock;
  std::mt19937_64 random;
  std::vector<RouteRow> routes;  // id - 1 is the index
  std::map<std::string, HandlerRow> handlers;
  std::vector<LogRow> log;         // id - 1 is the index
  std::vector<WindowRow> windows;  // id - 1 is the index; together they are the log's beginning
  std::map<PartKey, PartRow> parts;
  std::map<PairKey, PairRow> pairs;
  std::map<NodeId, NodeRow> nodes;
  std::map<NodeId, std::deque<std::optional<Window>>> begun;  // ahead; none: nothing was left
  std::vector<AlertRow> alerts;
  bool is_armed = false;
};

}  // namespace evd::journal
