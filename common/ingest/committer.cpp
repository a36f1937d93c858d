#include "common/ingest/committer.hpp"

#include <charconv>
#include <iterator>
#include <utility>

#include "common/base/random.hpp"
#include "common/pg/backoff.hpp"

namespace evd::ingest {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t k_group_events = 1'000;
constexpr std::size_t k_group_bytes = 4 * 1024 * 1024;

// The ids, and the newest id there was before: what is not above it was written earlier.
constexpr const char* k_write =
    "with before as materialized (select last_value - (not is_called)::int as id"
    "                             from evd.event_id_seq)"
    " select b.id, coalesce(evd.emit_batch($1::uuid, $2), evd.batch_ids($1::uuid)) from before b";
// Its keys tell the ids again, whether or not the group was written before.
constexpr const char* k_write_keyed =
    "with before as materialized (select last_value - (not is_called)::int as id"
    "                             from evd.event_id_seq)"
    " select b.id, evd.emit_many($1) from before b";

std::string array_of(const std::vector<const Request*>& requests) {
  std::string array = "[";
  for (const Request* request : requests) {
    for (const std::string& event : request->events) {
      if (array.size() > 1) array += ',';
      array += event;
    }
  }
  return array + "]";
}

// The sender's mistake, and not the database's trouble.
bool is_refusal(const pg::Error& error) {
  const std::string& state = error.sqlstate();
  return state.starts_with("VE") || state.starts_with("22") || state.starts_with("23");
}

// "events[17].args: …" of a group says which event was refused; the sender counts from its own.
std::optional<std::size_t> refused_index(const std::string& message) {
  constexpr std::string_view k_begin = "events[";
  if (!message.starts_with(k_begin)) return std::nullopt;
  std::size_t index = 0;
  const char* begin = message.data() + k_begin.size();
  const auto [end, error] = std::from_chars(begin, message.data() + message.size(), index);
  if (error != std::errc{} || *end != ']') return std::nullopt;
  return index;
}

// `index`: of the event in its request.
Written refusal(const Request& request, const pg::Error& error, std::size_t index) {
  std::string detail = error.primary();
  if (refused_index(detail)) {
    const std::string what = detail.substr(detail.find(']') + 1);  // ".args: …"
    detail = request.is_array ? "events[" + std::to_string(index) + "]" + what : what.substr(1);
  }
  return {{}, false, Problem{422, detail}};
}

Written unavailable(const std::string& detail) { return {{}, false, Problem{503, detail}}; }

}  // namespace

Committer::Committer(pg::ConnectOptions connect, CommitterOptions options, logging::Logger& logger)
    : connect_options_(std::move(connect)),
      options_(options),
      logger_(logger),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool Committer::submit(Request request, Answer answer) {
  const std::size_t events = request.events.size(), bytes = request.bytes();
  const std::lock_guard lock(mutex_);
  const bool is_full =
      waiting_events_ + events > options_.max_events || waiting_bytes_ + bytes > options_.max_bytes;
  if (is_stopping_ || (is_full && !waiting_.empty())) return false;
  waiting_events_ += events;
  waiting_bytes_ += bytes;
  waiting_.push_back({std::move(request), std::move(answer)});
  wake_.notify_one();
  return true;
}

CommitterCounts Committer::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Committer::run() {
  for (Group group = take(); !group.empty(); group = take()) write(std::move(group));
}

// As many as may be written together, oldest first; none: it is over.
Committer::Group Committer::take() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
  Group group;
  std::size_t events = 0, bytes = 0;
  while (!waiting_.empty()) {
    const Request& next = waiting_.front().request;
    const bool fits = events + next.events.size() <= k_group_events &&
                      bytes + next.bytes() <= k_group_bytes &&
                      (group.empty() || next.is_keyed == group.front().request.is_keyed);
    if (!fits && !group.empty()) break;
    events += next.events.size();
    bytes += next.bytes();
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_events_ -= events;
  waiting_bytes_ -= bytes;
  return group;
}

void Committer::write(Group group) {
  const std::string uuid = random_uuid();
  const auto until = steady_clock::now() + options_.patience;
  bool is_in_doubt = false;
  for (;;) {
    try {
      if (!connection_ && !connect(until)) break;
      is_in_doubt = true;
      return write_together(group, uuid);
    } catch (const pg::Error& error) {
      if (!error.connection_lost() && connection_->is_open()) return split(std::move(group), error);
      connection_.reset();
    }
  }
  for (Waiting& waiting : group) {
    waiting.answer(unavailable(is_in_doubt ? "the database went away, and whether this was written "
                                             "is not known; a dedup key makes a repeat safe"
                                           : "the database is out of reach; nothing was written"));
  }
}

void Committer::write_together(Group& group, const std::string& uuid) {
  std::vector<const Request*> requests;
  for (const Waiting& waiting : group) requests.push_back(&waiting.request);
  const std::string events = array_of(requests);
  const pg::Result result = group.front().request.is_keyed
                                ? connection_->query(k_write_keyed, pg::params(events))
                                : connection_->query(k_write, pg::params(uuid, events));
  answer_group(group, result.int64_array(0, 1), result.int64(0, 0));
}

void Committer::answer_group(Group& group, const std::vector<std::int64_t>& ids,
                             std::int64_t newest) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.groups;
    counts_.events += static_cast<std::int64_t>(ids.size());
  }
  auto next = ids.begin();
  for (Waiting& waiting : group) {
    Written written;
    written.is_known = waiting.request.is_keyed;
    for (std::size_t i = 0; i < waiting.request.events.size(); ++i, ++next) {
      written.ids.push_back(*next);
      written.is_known = written.is_known && *next <= newest;
    }
    waiting.answer(std::move(written));
  }
}

// One of them is refused; the others are written without it.
void Committer::split(Group group, const pg::Error& error) {
  if (!is_refusal(error)) {
    logger_.error("events that came in could not be written", {{"error", error.what()}});
    for (Waiting& waiting : group) waiting.answer(unavailable("the database refused to write"));
    return;
  }
  std::size_t index = refused_index(error.primary()).value_or(0);
  auto refused = group.begin();
  if (group.size() > 1 && refused_index(error.primary())) {
    while (index >= refused->request.events.size()) index -= (refused++)->request.events.size();
  } else if (group.size() > 1) {
    // The error does not say which: halves find it.
    const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
    Group second(std::make_move_iterator(middle), std::make_move_iterator(group.end()));
    group.erase(middle, group.end());
    write(std::move(group));
    write(std::move(second));
    return;
  }
  refused->answer(refusal(refused->request, error, index));
  group.erase(refused);
  if (!group.empty()) write(std::move(group));
}

// False: not in time.
bool Committer::connect(steady_clock::time_point until) {
  pg::ReconnectBackoff backoff;
  for (;;) {
    try {
      connection_.emplace(pg::Connection::open(connect_options_));
      return true;
    } catch (const pg::Error& error) {
      const auto pause = backoff.next();
      if (steady_clock::now() + pause >= until) {
        logger_.warn("events that came in are refused: the database is out of reach",
                     {{"error", error.what()}});
        return false;
      }
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause, [this] { return is_stopping_; })) return false;
    }
  }
}

}  // namespace evd::ingest
