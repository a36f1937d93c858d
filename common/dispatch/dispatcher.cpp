// Running and closing what is held. Taking it is in intake.cpp.
#include "common/dispatch/dispatcher.hpp"

#include <algorithm>

namespace evd::dispatch {
namespace {

constexpr Milliseconds k_retry_close{10};

// The events of one start() on a handler; results come back per attempt, so this only bounds the
// memory under way.
constexpr std::size_t k_largest_batch = 1000;

journal::OpenPair open_pair(std::int64_t event_id, const std::string& handler,
                            const journal::Outcome& outcome) {
  using State = journal::OpenPair::State;
  const State state = outcome.kind == journal::OutcomeKind::k_retry    ? State::k_retry
                      : outcome.kind == journal::OutcomeKind::k_failed ? State::k_failed
                                                                       : State::k_queued;
  return {event_id, handler, state, outcome.error, outcome.retry_after};
}

bool is_share_running(const Share& share) {
  return share.host->as_share_handler != nullptr && share.phase == Share::Phase::k_running;
}

}  // namespace

Dispatcher::Dispatcher(DispatcherOptions options, const HandlerMap& handlers, Inbox& inbox,
                       const Clock& clock, logging::Logger& logger)
    : options_(options), inbox_(inbox), clock_(clock), logger_(logger) {
  for (const auto& [name, handler] : handlers) {
    Host& host = hosts_[name];
    host.handler = handler.get();
    host.as_share_handler = dynamic_cast<handlers::ShareHandler*>(handler.get());
    if (host.as_share_handler) shares_only_.handlers.push_back(name);
  }
}

void Dispatcher::start_over(journal::Journal& journal, journal::NodeId node) {
  journal_ = &journal;
  node_ = node;
  ahead_since_.clear();
  while (!holdings_.empty()) forget(*holdings_.back(), true);
  finished_.clear();
  has_looked_ = is_quick_ = false;
  for (auto& [name, host] : hosts_) host.breaker.forget();
  // What still runs belonged to the former node: whoever took over answers for it.
  for (auto& [id, record] : batches_) {
    record.runs.clear();
    if (record.share) record.share->is_lost = true;
  }
  look_now();
}

void Dispatcher::resume(journal::Journal& journal) {
  journal_ = &journal;
  has_looked_ = false;
  ahead_since_.clear();  // given back with all else that it does not know of
  const std::vector<journal::WindowRef> left = journal.reconcile(node_, held());
  const std::vector<std::shared_ptr<Holding>> holdings = holdings_;
  for (const auto& holding : holdings) {
    // A part's token is checked by every write about it; a window may have been handed out again
    // with the same id.
    if (holding->is_part || std::find(left.begin(), left.end(), holding->window) != left.end())
      continue;
    logger_.warn("window was lost with the connection", {{"window", holding->window.id}});
    forget(*holding, false);  // if its close was what got lost, what still runs is a delivery
  }
  look_now();
}

journal::Held Dispatcher::held() const {
  journal::Held held;
  for (const auto& holding : holdings_) held.tokens.push_back(holding->window.token);
  held.runs = finished_;
  for (const auto& [id, record] : batches_) {
    held.runs.insert(held.runs.end(), record.runs.begin(), record.runs.end());
    // Also of shares still open: a close may have made deliveries of them and its answer been lost.
    if (!record.share || record.share->is_lost) continue;
    const Share& share = *record.share;
    for (std::size_t i = 0; i < share.next; ++i) {
      if (!share.ended[i])
        held.runs.push_back(
            {(*record.events)[share.events[i]].id, share.host->handler->name(), 1, {}});
    }
  }
  return held;
}

bool Dispatcher::step() {
  tried_claim_ = took_window_ = filled_window_ = seen_unread_ = false;
  bool worked = collect_results();
  worked |= report_finished();
  write_breakers();
  make_room();
  worked |= close_holdings();
  if (!is_stopping_) {
    // Nothing is run before it is known what is paused. A pause that comes later counts from the
    // next look on: a notification tells of new events most of the time, and they need not wait
    // for one.
    if (!has_looked_) worked |= take_due();
    // They take turns: whoever always came first would keep a handler that is never idle.
    worked |= take_deliveries(true);
    worked |= feed();
    worked |= claim();
    worked |= feed();
    worked |= take_due();
    worked |= feed();
  } else if (!ahead_since_.empty()) {
    worked |= claim();  // to be put off at once, so that others take it
  }
  return worked;
}

void Dispatcher::look_now() { look_at_ = clock_.now(); }

void Dispatcher::stop_starting() {
  is_stopping_ = true;
  for (const auto& holding : holdings_) stop_shares(*holding);
}

void Dispatcher::interrupt() {
  for (auto& [name, host] : hosts_) host.handler->interrupt();
}

Clock::TimePoint Dispatcher::next_step_at() const {
  // While it stops it looks for nothing: that time would stay in the past.
  Clock::TimePoint at = is_stopping_ ? clock_.now() + options_.poll_every : look_at_;
  at = std::min(at, next_window_by());
  for (const auto& holding : holdings_) {
    const bool is_over = is_stopping_ || holding->is_done();
    // When it may have to make room.
    if (const auto early = holding->opened_at + options_.make_room_after;
        !holding->is_part && early > clock_.now() && open_windows() >= options_.max_windows) {
      at = std::min(at, early);
    }
    at = std::min(
        at, is_over ? holding->close_after : std::max(holding->spill_at, holding->close_after));
  }
  return at;
}

std::vector<std::string> Dispatcher::handler_names() const {
  std::vector<std::string> names;
  for (const auto& [name, host] : hosts_) names.push_back(name);
  return names;
}

std::map<std::string, Outcomes> Dispatcher::outcomes() const {
  std::map<std::string, Outcomes> outcomes;
  for (const auto& [name, host] : hosts_) outcomes.emplace(name, host.outcomes);
  return outcomes;
}

bool Dispatcher::collect_results() {
  const std::vector<Inbox::Message> messages = inbox_.drain();
  for (const Inbox::Message& message : messages) {
    if (const auto* results = std::get_if<std::vector<handlers::Result>>(&message)) {
      for (const handlers::Result& result : *results) take_result(result);
    } else {
      take_share_end(std::get<handlers::ShareEnd>(message));
    }
  }
  return !messages.empty();
}

void Dispatcher::take_result(const handlers::Result& result) {
  const auto found = batches_.find(result.batch);
  if (found == batches_.end()) return;
  BatchRecord& record = found->second;
  --record.host->in_flight;
  record.host->breaker.ended(result.outcome);
  record.host->outcomes.add(result.outcome.kind);
  if (record.share) {
    take_share_result(record, result);
  } else if (result.index < record.runs.size() && !result.outcome.is_recorded) {
    record.runs[result.index].outcome = result.outcome;
    finished_.push_back(record.runs[result.index]);
  }
  if (--record.open == 0) batches_.erase(found);
}

void Dispatcher::take_share_result(BatchRecord& record, const handlers::Result& result) {
  Share& share = *record.share;
  const std::size_t index = record.first + result.index;
  const std::int64_t event_id = (*record.events)[share.events[index]].id;
  share.ended[index] = true;
  --share.running;
  if (share.is_lost) return;
  if (share.is_closed) {
    finished_.push_back({event_id, record.host->handler->name(), 1, result.outcome});
  } else if (result.outcome.kind != journal::OutcomeKind::k_done) {
    share.failed.push_back(open_pair(event_id, record.host->handler->name(), result.outcome));
  }
}

void Dispatcher::take_share_end(const handlers::ShareEnd& end) {
  --sql_shares_;
  Host& host = hosts_.at(end.share.handler);
  --host.in_flight;
  if (end.failed > 0) host.has_delivery = true;
  host.outcomes.add(journal::OutcomeKind::k_done, end.ran);
  host.outcomes.add(journal::OutcomeKind::k_retry, end.failed);
  if (end.ran > 0) host.breaker.heard();
  if (!end.unreachable.empty()) host.breaker.out_of_reach(end.unreachable);
  for (const auto& holding : holdings_) {
    if (holding->window.id != end.share.window_id || holding->window.token != end.share.token)
      continue;
    for (const auto& share : holding->shares) {
      if (share->host != &host) continue;
      const bool is_gone = end.result == journal::ShareResult::k_lost && holding->is_part;
      const bool is_done = end.result == journal::ShareResult::k_done || is_gone;
      share->phase = is_done ? Share::Phase::k_ended : Share::Phase::k_stopped;
      // Only the close can say whether a window is lost: its share counts as not done until then.
      if (!is_done && !holding->is_part) holding->spill_at = clock_.now();
      // A part is kept, and goes on when its handler can be reached again.
      if (!is_done && holding->is_part && !is_stopping_) share->phase = Share::Phase::k_ready;
    }
  }
}

bool Dispatcher::report_finished() {
  if (finished_.empty()) return false;
  journal_->finish(node_, finished_);
  finished_.clear();
  return true;
}

// What became of handlers out of reach, for all nodes.
void Dispatcher::write_breakers() {
  using Change = Breaker::Change;
  for (auto& [name, host] : hosts_) {
    Breaker& breaker = host.breaker;
    const Change change = breaker.change();
    if (change == Change::k_none) continue;
    if (change != Change::k_opens) {
      journal_->end_probe(node_, name, change == Change::k_probe_heard);
    } else if (journal_->open_breaker(node_, name, breaker.error())) {
      logger_.warn("breaker opened: the handler is out of reach",
                   {{"handler", name}, {"error", breaker.error()}});
    }
    breaker.written();
    if (change == Change::k_probe_heard) {
      logger_.info("breaker closed: the handler was heard again", {{"handler", name}});
      host.has_part = host.has_delivery = true;
    } else {
      stop_queued(host);
    }
  }
}

// What of it has not started is put off, and holds nothing open.
void Dispatcher::stop_queued(const Host& host) {
  if (host.as_share_handler) return;  // it gives up by itself
  for (const auto& holding : holdings_) {
    for (const auto& share : holding->shares) {
      if (share->host == &host && !share->all_started()) share->phase = Share::Phase::k_stopped;
    }
  }
}

bool Dispatcher::close_holdings() {
  const Clock::TimePoint now = clock_.now();
  bool closed = false;
  const std::vector<std::shared_ptr<Holding>> holdings = holdings_;
  for (const auto& holding : holdings) {
    const bool is_over =
        is_stopping_ || (now >= holding->spill_at &&
                         !(holding->is_part && holding->shares.front()->host->as_share_handler));
    if ((!is_over && !holding->is_done()) || now < holding->close_after) continue;
    stop_shares(*holding);
    closed |= close(*holding);
  }
  return closed;
}

void Dispatcher::stop_shares(Holding& holding) {
  for (const auto& share : holding.shares) {
    if (!is_share_running(*share)) continue;
    share->host->as_share_handler->stop_share(
        {holding.window.id, share->host->handler->name(), node_, holding.window.token});
  }
}

// Writes what is not done and lets the holding go. False: not yet.
bool Dispatcher::close(Holding& holding) {
  if (std::any_of(holding.shares.begin(), holding.shares.end(),
                  [](const auto& s) { return is_share_running(*s); })) {
    holding.close_after = clock_.now() + k_retry_close;
    return false;
  }
  const journal::CloseRequest request = close_request(holding);
  bool is_lost = false;
  if (!holding.is_part) {
    const journal::CloseResult result = journal_->close(node_, holding.window, request);
    if (result == journal::CloseResult::k_busy) {
      holding.close_after = clock_.now() + k_retry_close;
      return false;
    }
    is_lost = result == journal::CloseResult::k_gone;
    ++counters_.windows_closed;
    is_quick_ = request.deferred.empty() && request.pairs.empty() &&
                clock_.now() - holding.opened_at < options_.make_room_after;
  } else if (!holding.shares.front()->host->as_share_handler) {
    const Share& share = *holding.shares.front();
    is_lost = !journal_->close_part(
        node_, {holding.window.id, share.host->handler->name(), holding.window.token},
        part_progress(holding), request.pairs);
  }
  if (is_lost) logger_.warn("lost to a takeover", {{"window", holding.window.id}});
  for (const journal::DeferredShare& deferred : request.deferred) {
    if (const auto host = hosts_.find(deferred.handler); host != hosts_.end()) {
      host->second.is_behind = host->second.has_part = true;
    }
  }
  for (const journal::OpenPair& pair : request.pairs) hosts_.at(pair.handler).has_delivery = true;
  // After a takeover the results of what still runs are refused; after a close whose answer was
  // lost they are wanted.
  forget(holding, false);
  return true;
}

void Dispatcher::forget(Holding& holding, bool is_lost) {
  for (const auto& share : holding.shares) {
    share->is_closed = true;
    share->is_lost = is_lost;
    if (!share->host->as_share_handler) share->host->backlog -= share->events.size() - share->next;
  }
  std::erase_if(holdings_, [&](const auto& held) { return held.get() == &holding; });
}

bool Dispatcher::feed() {
  bool started = false;
  const Clock::TimePoint now = clock_.now();
  const std::vector<std::shared_ptr<Holding>> holdings = holdings_;
  for (const auto& holding : holdings) {
    // It only waits to be closed. Woken after a long halt, this node may have lost it, too.
    if (now >= holding->spill_at) continue;
    for (const auto& share : holding->shares) {
      Host& host = *share->host;
      if (host.is_paused || share->phase != Share::Phase::k_ready) continue;
      if (host.as_share_handler) {
        if (!host.has_room_for_share()) continue;
        start_share(*holding, *share);
        started = true;
      } else if (host.free_slots() > 0 && !share->all_started()) {
        started |= feed_share(holding, share);
      }
    }
  }
  return started;
}

bool Dispatcher::feed_share(const std::shared_ptr<Holding>& holding,
                            const std::shared_ptr<Share>& share) {
  Host& host = *share->host;
  const std::size_t count =
      std::min({share->events.size() - share->next, static_cast<std::size_t>(host.free_slots()),
                k_largest_batch});
  handlers::Batch batch{next_batch_++, node_, false, {}};
  batch.attempts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const journal::Event& event = (*holding->events)[share->events[share->next + i]];
    handlers::Attempt attempt;
    attempt.event = std::shared_ptr<const journal::Event>(holding->events, &event);
    attempt.route = route(event.route_id);
    batch.attempts.push_back(std::move(attempt));
  }
  batches_[batch.id] = {&host, share, share->next, holding->events, {}, count};
  share->next += count;
  share->running += count;
  host.backlog -= count;
  host.in_flight += static_cast<int>(count);
  host.is_delivery_turn = true;
  host.handler->start(std::move(batch));
  return count > 0;
}

void Dispatcher::start_share(const Holding& holding, Share& share) {
  share.phase = Share::Phase::k_running;
  ++share.host->in_flight;
  share.host->is_delivery_turn = true;
  ++sql_shares_;
  share.host->as_share_handler->start_share(
      {holding.window.id, share.host->handler->name(), node_, holding.window.token});
}

}  // namespace evd::dispatch
