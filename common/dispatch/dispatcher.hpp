// Takes windows, parts and deliveries for a node, starts their pairs on the handlers, and writes
// down what became of them. It is stepped by its owner's thread and never waits: step() does what
// can be done now.
//
// A journal call may throw: after pg::Error with connection_lost() the owner connects again and
// calls resume() with the new journal; after NodeFenced it registers anew and calls start_over().
// Handlers go on meanwhile.
#pragma once

#include <deque>
#include <map>
#include <unordered_map>

#include "common/dispatch/holding.hpp"
#include "common/dispatch/inbox.hpp"
#include "common/journal/journal.hpp"
#include "common/logging/logger.hpp"

namespace evd::dispatch {

using HandlerMap = std::map<std::string, std::unique_ptr<handlers::Handler>>;

struct DispatcherOptions {
  int batch_size = 1000;                      // events of a window
  std::size_t max_windows = 16;               // held open at once
  std::size_t ahead = journal::k_most_ahead;  // claimed while others are run
  Milliseconds spill_after{1000};             // a window stays open no longer for a slow pair
  Milliseconds doubt_after{1000};    // an answer that took so long may come after a takeover
  Milliseconds make_room_after{50};  // … while it keeps others from having work
  Milliseconds poll_every{1000};     // how often it looks for pauses and what is due
  bool is_cron = false;              // evrecover: see journal::TakeRequest
  Milliseconds precedence{0};
};

struct Counters {
  std::int64_t events_taken = 0, windows_closed = 0, retried = 0;
};

class Dispatcher {
 public:
  // `handlers` and `inbox` outlive it. `claims`: whether it takes windows; parts and deliveries it
  // always takes.
  Dispatcher(DispatcherOptions options, const HandlerMap& handlers, Inbox& inbox,
             const Clock& clock, logging::Logger& logger);

  void start_over(journal::Journal& journal, journal::NodeId node);  // drops everything it holds
  void resume(journal::Journal& journal);  // drops what is no longer the node's

  // Does what can be done without waiting. True: something was done, and it is worth stepping again
  // at once.
  bool step();

  void set_claiming(bool claiming) { is_claiming_ = claiming; }
  void look_now();  // parts and deliveries may have become due
  void
  stop_starting();   // from here on nothing new starts; what is held is closed, what runs may end
  void interrupt();  // ends what runs: those attempts are given back

  // Nothing is held and nothing runs.
  bool is_idle() const {
    return holdings_.empty() && batches_.empty() && finished_.empty() && sql_shares_ == 0 &&
           ahead_since_.empty();
  }
  // In the last step: whether it looked for a window, and whether there was one. One that was begun
  // ahead and found nothing is no such look.
  bool has_tried_claim() const { return tried_claim_; }
  bool has_taken_window() const { return took_window_; }
  bool has_filled_window() const { return filled_window_; }  // … with as many events as it may hold
  // What the last look at the journal saw: an event that nobody has taken; an alert that waits.
  bool has_seen_unread() const { return seen_unread_; }
  bool has_seen_alert() const { return seen_alert_; }
  // When a step is worth it, even if no result arrives.
  Clock::TimePoint next_step_at() const;
  const Counters& counters() const { return counters_; }
  // By handler. Of an sql handler's shares, what failed counts as retry.
  std::map<std::string, Outcomes> outcomes() const;
  std::vector<std::string> handler_names() const;

 private:
  struct BatchRecord {
    Host* host = nullptr;
    std::shared_ptr<Share> share;  // of a window or part: attempts from `first` on …
    std::size_t first = 0;
    EventsPtr events;
    std::vector<journal::FinishedRun> runs;  // … or deliveries
    std::size_t open = 0;                    // results still to come
  };

  journal::Held held() const;
  bool collect_results();
  void take_result(const handlers::Result& result);
  void take_share_result(BatchRecord& record, const handlers::Result& result);
  void take_share_end(const handlers::ShareEnd& end);
  bool report_finished();
  void write_breakers();
  void stop_queued(const Host& host);
  bool has_ready_share(const Host& host) const;
  void ask_for_probe(Host& host, const journal::HandlerState& state);
  bool close_holdings();
  bool close(Holding& holding);
  void stop_shares(Holding& holding);
  void forget(Holding& holding, bool is_lost);
  bool feed();
  bool feed_share(const std::shared_ptr<Holding>& holding, const std::shared_ptr<Share>& share);
  void start_share(const Holding& holding, Share& share);
  bool claim();
  std::size_t open_windows() const;
  bool can_claim() const;
  std::size_t windows_ahead() const;
  Clock::TimePoint next_window_by() const;
  bool starves() const;
  void make_room();
  void open_window(journal::Window window);
  std::shared_ptr<Share> share_for(Holding& holding,
                                   std::map<std::string, std::shared_ptr<Share>>& by_handler,
                                   const std::string& handler);
  bool take_due();
  bool take_deliveries(bool in_turn);
  void start_deliveries(std::vector<journal::Delivery> deliveries);
  bool take_parts();
  bool look();
  void confirm_place(Clock::TimePoint asked_at);
  const std::shared_ptr<const journal::Route>& route(std::int32_t id);
  bool runs_in_shares(const journal::Route& route) const;

  DispatcherOptions options_;
  Inbox& inbox_;
  const Clock& clock_;
  logging::Logger& logger_;
  journal::Journal* journal_ = nullptr;
  journal::NodeId node_ = 0;
  std::map<std::string, Host> hosts_;
  std::unordered_map<std::int32_t, std::shared_ptr<const journal::Route>> routes_;
  journal::SharesOnly shares_only_;
  std::vector<std::shared_ptr<Holding>> holdings_;  // oldest first
  std::unordered_map<std::uint64_t, BatchRecord> batches_;
  std::vector<journal::FinishedRun> finished_;
  std::uint64_t next_batch_ = 1;
  std::size_t sql_shares_ = 0;
  Clock::TimePoint look_thoroughly_at_;
  Clock::TimePoint look_at_{};
  std::deque<Clock::TimePoint> ahead_since_;  // when windows were begun that are not open yet
  bool is_quick_ = false;    // the last window was done before it could be in the way
  bool has_looked_ = false;  // since it joined, or connected again
  bool is_claiming_ = true;
  bool is_stopping_ = false;
  bool tried_claim_ = false;
  bool took_window_ = false;
  bool filled_window_ = false;
  bool seen_unread_ = false;
  bool seen_alert_ = false;
  Counters counters_;
};

}  // namespace evd::dispatch
