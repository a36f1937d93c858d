// The dispatcher's other half: taking windows, parts and deliveries.
#include <algorithm>

#include "common/base/random.hpp"
#include "common/dispatch/dispatcher.hpp"

namespace evd::dispatch {
namespace {

constexpr Milliseconds k_renew_probe{15'000};  // half of what it is leased for
// Windows that a handler lags behind before its shares are put off: it would have to read them
// anew, and one that is only a moment slower than another never needs to.
constexpr std::size_t k_behind_by = 3;
constexpr Milliseconds k_thorough_every{10'000};  // looks at all that is due, however long ago

}  // namespace

const std::shared_ptr<const journal::Route>& Dispatcher::route(std::int32_t id) {
  const auto known = routes_.find(id);
  if (known != routes_.end()) return known->second;
  for (journal::Route& row : journal_->routes()) {
    const std::int32_t row_id = row.id;
    if (!routes_.contains(row_id) && runs_in_shares(row)) shares_only_.routes.push_back(row_id);
    routes_.emplace(row_id, std::make_shared<const journal::Route>(std::move(row)));
  }
  return routes_.at(id);
}

// No handler that is hosted here is to be given its events: those of an sql handler the database
// reads by itself, those of one that is hosted elsewhere are put off as a whole.
bool Dispatcher::runs_in_shares(const journal::Route& route) const {
  return std::all_of(route.expected.begin(), route.expected.end(), [&](const auto& handler) {
    const auto host = hosts_.find(handler);
    return host == hosts_.end() || host->second.as_share_handler != nullptr;
  });
}

// Leased parts do not count, nor windows that only wait for an sql batch to end: a slow handler
// must not stop the others.
std::size_t Dispatcher::open_windows() const {
  return static_cast<std::size_t>(
      std::count_if(holdings_.begin(), holdings_.end(), [now = clock_.now()](const auto& holding) {
        return !holding->is_part && now < holding->spill_at;
      }));
}

// Some handler has nothing to do, nor will have when it is fed.
bool Dispatcher::starves() const {
  return std::any_of(hosts_.begin(), hosts_.end(), [this](const auto& entry) {
    const Host& host = entry.second;
    return !host.is_shut() && !host.is_behind && host.in_flight == 0 && host.backlog == 0 &&
           !(host.as_share_handler && has_ready_share(host));
  });
}

// Windows that wait for a slow handler take the places of those that the others could run. The
// oldest is closed early; what it waited for is put off, and its handler has new shares put off
// from then on until it has caught up.
void Dispatcher::make_room() {
  if (!is_claiming_ || open_windows() < options_.max_windows || !starves()) return;
  const Clock::TimePoint now = clock_.now();
  for (const auto& holding : holdings_) {
    if (holding->is_part || holding->spill_at <= now) continue;
    if (now - holding->opened_at >= options_.make_room_after) holding->spill_at = now;
    return;
  }
}

// A window is worth taking while some handler has room for its share. A handler with a backlog gets
// its share put off, so that it does not hold the window open for the others.
bool Dispatcher::can_claim() const {
  if (!is_claiming_ || open_windows() >= options_.max_windows) return false;
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& entry) {
    const Host& host = entry.second;
    return host.is_shut() ||
           (!host.is_behind && host.backlog < static_cast<std::size_t>(options_.batch_size));
  });
}

// While handlers keep up, the database need not wait for them; else windows would be held for
// nothing, and opened while one of them has no room for its share yet. They do where nothing waits
// for them, or the last window was over in no time, so that what waits will be.
std::size_t Dispatcher::windows_ahead() const {
  const std::size_t open = open_windows();
  if (is_stopping_ || !can_claim() || open + 1 + options_.ahead > options_.max_windows) return 0;
  if (!is_quick_ && open > 1) return 0;
  const std::size_t room = is_quick_ ? static_cast<std::size_t>(options_.batch_size) : 1;
  const bool keep_up = std::all_of(hosts_.begin(), hosts_.end(), [room](const auto& entry) {
    return entry.second.backlog < room;
  });
  return keep_up ? options_.ahead : 0;
}

// When the oldest that was begun ahead is opened at the latest.
Clock::TimePoint Dispatcher::next_window_by() const {
  return ahead_since_.empty() ? Clock::TimePoint::max()
                              : ahead_since_.front() + options_.spill_after;
}

// What the journal answered long after it was asked may have been taken over meanwhile: this
// process was halted, or the database was.
void Dispatcher::confirm_place(Clock::TimePoint asked_at) {
  if (clock_.now() - asked_at < options_.doubt_after || journal_->heartbeat(node_)) return;
  throw journal::NodeFenced("node " + std::to_string(node_) + " was taken over while it waited");
}

bool Dispatcher::claim() {
  const Clock::TimePoint now = clock_.now();
  if (!can_claim() && !is_stopping_ && now < next_window_by()) return false;
  const bool was_begun = !ahead_since_.empty();
  const Clock::TimePoint asked_at = was_begun ? ahead_since_.front() : now;
  std::optional<journal::Window> window =
      journal_->claim(node_, {random_token(), options_.batch_size, shares_only_, windows_ahead()});
  const std::size_t ahead = window ? window->ahead : 0;
  if (was_begun) ahead_since_.pop_front();
  while (ahead_since_.size() > ahead) ahead_since_.pop_front();
  ahead_since_.resize(ahead, now);
  // What was begun looked for events then: that it found none says nothing of now.
  if (!window && was_begun) return true;
  tried_claim_ = true;
  if (!window) return false;
  confirm_place(asked_at);
  took_window_ = true;
  filled_window_ = window->size() >= options_.batch_size;
  counters_.events_taken += window->size();
  open_window(std::move(*window));
  return true;
}

void Dispatcher::open_window(journal::Window window) {
  auto holding = std::make_shared<Holding>();
  holding->window = window.ref;
  holding->opened_at = clock_.now();
  holding->spill_at = holding->opened_at + options_.spill_after;
  holding->events = std::make_shared<const std::vector<journal::Event>>(std::move(window.events));
  std::map<std::string, std::shared_ptr<Share>> by_handler;
  for (std::uint32_t i = 0; i < holding->events->size(); ++i) {
    const journal::Event& event = (*holding->events)[i];
    if (event.is_later) {
      holding->has_later = true;
      continue;
    }
    for (const std::string& handler : route(event.route_id)->expected) {
      if (const auto share = share_for(*holding, by_handler, handler)) share->events.push_back(i);
    }
  }
  for (const journal::Counted& counted : window.counted) {
    holding->has_later |= counted.later > 0;
    if (counted.later == counted.events) continue;
    for (const std::string& handler : route(counted.route_id)->expected)
      share_for(*holding, by_handler, handler);
  }
  for (const auto& share : holding->shares) {
    share->ended.resize(share->events.size());
    if (!share->host->as_share_handler) share->host->backlog += share->events.size();
  }
  holdings_.push_back(std::move(holding));
}

// The share of a handler in a window that is being opened; null when it is put off as a whole.
std::shared_ptr<Share> Dispatcher::share_for(
    Holding& holding, std::map<std::string, std::shared_ptr<Share>>& by_handler,
    const std::string& handler) {
  const auto [entry, is_new] = by_handler.try_emplace(handler);
  if (!is_new) return entry->second;
  const auto host = hosts_.find(handler);
  const bool runs_here =
      host != hosts_.end() && !host->second.is_shut() && !host->second.is_behind &&
      host->second.backlog < k_behind_by * static_cast<std::size_t>(options_.batch_size);
  if (!runs_here) {
    holding.deferred.push_back({handler, {}});
    if (host != hosts_.end()) host->second.is_behind = true;
    return nullptr;
  }
  entry->second = std::make_shared<Share>();
  entry->second->host = &host->second;
  holding.shares.push_back(entry->second);
  return entry->second;
}

bool Dispatcher::take_due() {
  const bool looked = clock_.now() >= look_at_ && look();
  bool taken = take_deliveries(false);
  taken |= take_parts();
  return looked || taken;
}

// One statement for all handlers: pauses, and what has become due.
bool Dispatcher::look() {
  look_at_ = clock_.now() + options_.poll_every;
  journal::PollRequest request{handler_names(), options_.is_cron, options_.precedence, {}};
  if (clock_.now() < look_thoroughly_at_) {
    for (const auto& [name, host] : hosts_) request.due_since[name] = host.due_since;
  } else {
    look_thoroughly_at_ = clock_.now() + k_thorough_every;
  }
  const journal::PollResult result = journal_->poll(node_, request);
  has_looked_ = true;
  seen_unread_ = result.has_unread;
  seen_alert_ = result.has_alert;
  for (const journal::HandlerState& state : result.handlers) {
    Host& host = hosts_.at(state.handler);
    host.is_paused = state.is_paused;
    host.has_part = state.has_part;
    host.has_delivery = state.has_delivery;
    host.due_since = state.due_since;
    host.is_behind = state.has_part;  // also what was taken over from another node
    host.breaker.polled(state.is_broken);
    if (state.is_broken) ask_for_probe(host, state);
  }
  return false;
}

bool Dispatcher::has_ready_share(const Host& host) const {
  return std::any_of(holdings_.begin(), holdings_.end(), [&](const auto& holding) {
    return std::any_of(holding->shares.begin(), holding->shares.end(), [&](const auto& share) {
      return share->host == &host && share->phase == Share::Phase::k_ready;
    });
  });
}

// Of a handler that is out of reach: one pair may find out whether it still is. A lease that finds
// nothing to run ends by itself.
void Dispatcher::ask_for_probe(Host& host, const journal::HandlerState& state) {
  const bool is_under_way = host.breaker.is_probing() && host.in_flight > 0;
  if (host.breaker.is_probing() && !host.breaker.is_lease_old(clock_.now())) return;
  host.breaker.lease_ended();
  const bool has_work = state.has_part || state.has_delivery || has_ready_share(host);
  if (!is_under_way && (host.in_flight > 0 || host.is_paused || !has_work || !state.may_probe))
    return;
  if (journal_->lease_probe(node_, state.handler))
    host.breaker.leased(clock_.now() + k_renew_probe);
}

// In turn: only for handlers whose next slots are for deliveries.
bool Dispatcher::take_deliveries(bool in_turn) {
  journal::TakeRequest request{{}, options_.is_cron, options_.precedence};
  for (auto& [name, host] : hosts_) {
    if (!host.has_delivery || host.is_paused || host.free_slots() <= 0) continue;
    if (in_turn && !host.is_delivery_turn) continue;
    request.handlers.push_back({name, host.free_slots(), host.due_since});
  }
  if (request.handlers.empty()) return false;
  const Clock::TimePoint asked_at = clock_.now();
  std::vector<journal::Delivery> deliveries = journal_->take_deliveries(node_, request);
  if (!deliveries.empty()) confirm_place(asked_at);
  std::map<std::string, int> taken;
  for (const journal::Delivery& delivery : deliveries) ++taken[delivery.handler];
  for (const journal::HandlerSlots& asked : request.handlers) {
    hosts_.at(asked.handler).has_delivery = taken[asked.handler] == asked.slots;
  }
  const bool any = !deliveries.empty();
  start_deliveries(std::move(deliveries));
  return any;
}

void Dispatcher::start_deliveries(std::vector<journal::Delivery> deliveries) {
  std::map<std::string, std::pair<handlers::Batch, BatchRecord>> by_handler;
  for (journal::Delivery& delivery : deliveries) {
    auto& [batch, record] = by_handler[delivery.handler];
    record.runs.push_back({delivery.event.id, delivery.handler, delivery.run, {}});
    auto event = std::make_shared<const journal::Event>(std::move(delivery.event));
    batch.attempts.push_back({event, route(event->route_id), delivery.run, delivery.attempts,
                              delivery.max_attempts, delivery.round, delivery.is_suspect});
    counters_.retried += delivery.attempts > 1;
  }
  for (auto& [name, work] : by_handler) {
    auto& [batch, record] = work;
    Host& host = hosts_.at(name);
    batch.id = next_batch_++;
    batch.node = node_;
    batch.has_rows = true;
    record.host = &host;
    record.open = record.runs.size();
    host.in_flight += static_cast<int>(record.open);
    host.is_delivery_turn = false;
    batches_[batch.id] = std::move(record);
    host.handler->start(std::move(batch));
  }
}

bool Dispatcher::take_parts() {
  std::vector<std::string> names;
  for (const auto& [name, host] : hosts_) {
    if (host.has_part && !host.is_paused && host.backlog == 0 && host.free_slots() > 0)
      names.push_back(name);
  }
  if (names.empty()) return false;
  const Clock::TimePoint asked_at = clock_.now();
  std::optional<journal::Part> part =
      journal_->take_part(node_, random_token(), names, shares_only_);
  if (part) confirm_place(asked_at);
  if (!part) {
    for (const std::string& name : names)
      hosts_.at(name).has_part = hosts_.at(name).is_behind = false;
    return false;
  }
  auto holding = std::make_shared<Holding>();
  holding->window = {part->ref.window_id, part->ref.token};
  holding->is_part = true;
  auto share = std::make_shared<Share>();
  share->host = &hosts_.at(part->ref.handler);
  holding->opened_at = clock_.now();
  // A share handler records its progress as it goes: nothing is gained by ending its lease early.
  holding->spill_at = share->host->as_share_handler ? Clock::TimePoint::max()
                                                    : holding->opened_at + options_.spill_after;
  share->ended.resize(part->events.size());
  for (std::uint32_t i = 0; i < part->events.size(); ++i) share->events.push_back(i);
  if (!share->host->as_share_handler) share->host->backlog += share->events.size();
  holding->events = std::make_shared<const std::vector<journal::Event>>(std::move(part->events));
  holding->shares.push_back(std::move(share));
  holdings_.push_back(std::move(holding));
  return true;
}

}  // namespace evd::dispatch
