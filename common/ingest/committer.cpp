#include "common/ingest/committer.hpp"

#include <iterator>
#include <utility>

#include "common/base/random.hpp"

namespace evd::ingest {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t k_group_events = 1'000;
constexpr std::size_t k_group_bytes = 4'194'304;
constexpr int k_tries = 5;                                 // of a group whose session was lost
constexpr std::chrono::milliseconds k_look_at_spool{200};  // while something lies in it

// `index`: of the event in its request.
Written refusal(const Request& request, const pg::Error& error, std::size_t index) {
  std::string detail = error.primary();
  if (refused_index(error)) {
    const std::string what = detail.substr(detail.find(']') + 1);  // ".args: …"
    detail = request.is_array ? "events[" + std::to_string(index) + "]" + what : what.substr(1);
  }
  return {{}, false, {}, Problem{422, detail}};
}

Written refused_with(int status, const std::string& detail) {
  return {{}, false, {}, Problem{status, detail}};
}

}  // namespace

Committer::Group::Group(std::vector<Waiting> from) : requests(std::move(from)) {
  frame.uuid = random_uuid();
  frame.is_keyed = requests.front().request.is_keyed;
  for (const Waiting& waiting : requests) {
    const std::vector<std::string>& events = waiting.request.events;
    frame.events.insert(frame.events.end(), events.begin(), events.end());
  }
}

Committer::Committer(pg::ConnectOptions connect, std::optional<Spool> spool,
                     CommitterOptions options, logging::Logger& logger)
    : connect_options_(std::move(connect)),
      options_(options),
      logger_(logger),
      spool_(std::move(spool)),
      answers_([this] { run_answers(); }),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
  }
  answerable_.notify_one();
  answers_.join();
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
  for (;;) {
    std::vector<Waiting> requests = take();
    drain_spool();
    if (!requests.empty()) place(Group(std::move(requests)));
    const std::lock_guard lock(mutex_);
    counts_.spooled_bytes = spool_ ? spool_->bytes() : 0;
    if (is_stopping_ && waiting_.empty()) return;
  }
}

void Committer::run_answers() {
  std::unique_lock lock(mutex_);
  for (;;) {
    answerable_.wait(lock, [this] { return !committed_.empty() || !is_writing_; });
    if (committed_.empty()) return;
    std::vector<Committed> groups = std::exchange(committed_, {});
    lock.unlock();
    for (Committed& one : groups) answer(one.group, one.written);
    groups.clear();
    lock.lock();
  }
}

// As many as may be written together, oldest first. None: it is over, or there is something in the
// spool to look after.
std::vector<Committer::Waiting> Committer::take() {
  std::unique_lock lock(mutex_);
  const auto is_due = [this] { return is_stopping_ || !waiting_.empty(); };
  if (spool_ && !spool_->is_empty()) {
    wake_.wait_for(lock, k_look_at_spool, is_due);
  } else {
    wake_.wait(lock, is_due);
  }
  std::vector<Waiting> requests;
  std::size_t events = 0, bytes = 0;
  while (!waiting_.empty()) {
    const Request& next = waiting_.front().request;
    const bool fits = events + next.events.size() <= k_group_events &&
                      bytes + next.bytes() <= k_group_bytes &&
                      (requests.empty() || next.is_keyed == requests.front().request.is_keyed);
    if (!fits && !requests.empty()) break;
    events += next.events.size();
    bytes += next.bytes();
    requests.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_events_ -= events;
  waiting_bytes_ -= bytes;
  return requests;
}

void Committer::drain_spool() {
  if (!spool_ || spool_->is_empty() || !connect()) return;
  try {
    const std::int64_t written = drain(*spool_, *connection_);
    logger_.info("the spool is drained", {{"events", written}});
  } catch (const pg::Error& error) {
    away(error);
  } catch (const Error& error) {
    // Never seen but on a failing disk. What cannot be read must not stop what comes in.
    logger_.error("the spool cannot be drained; its file is left as it is",
                  {{"error", error.what()}});
    spool_.reset();
  }
}

// To the database; or to the disk, when that is away or older events lie there.
void Committer::place(Group group) {
  const auto until = steady_clock::now() + options_.patience;
  const bool is_behind = spool_ && !spool_->is_empty();
  bool is_in_doubt = false;
  int tries = 0;
  while (!is_behind) {
    try {
      if (connect()) {
        is_in_doubt = true;
        GroupIds written = write_group(*connection_, group.frame);
        return committed(std::move(group), std::move(written));
      }
    } catch (const pg::Error& error) {
      if (is_refusal(error)) return split(std::move(group), error);
      away(error);
      // The server may have ended this session alone.
      if (error.connection_lost() && ++tries < k_tries && connect()) continue;
    }
    std::unique_lock lock(mutex_);
    if (spool_ || is_stopping_ || steady_clock::now() >= until) break;
    wake_.wait_until(lock, std::min(until, connect_at_), [this] { return is_stopping_; });
  }
  spool(group, is_in_doubt);
}

void Committer::spool(Group& group, bool is_in_doubt) {
  if (!spool_) {
    const std::string detail = is_in_doubt
                                   ? "the database went away, and whether this was written is not "
                                     "known; a dedup key makes a repeat safe"
                                   : "the database is out of reach; nothing was written";
    for (Waiting& waiting : group.requests) waiting.answer(refused_with(503, detail));
    return;
  }
  try {
    spool_->append(group.frame);
  } catch (const Error& error) {
    logger_.error("events that came in could not be kept", {{"error", error.what()}});
    const int status = dynamic_cast<const SpoolFull*>(&error) != nullptr ? 507 : 503;
    for (Waiting& waiting : group.requests) waiting.answer(refused_with(status, error.what()));
    return;
  }
  std::size_t index = 0;
  for (Waiting& waiting : group.requests) {
    Written written;
    for (std::size_t i = 0; i < waiting.request.events.size(); ++i)
      written.spool_ids.push_back(group.frame.uuid + "/" + std::to_string(index++));
    waiting.answer(std::move(written));
  }
}

void Committer::committed(Group group, GroupIds written) {
  const bool has_ids = written.ids.size() == group.frame.events.size();
  if (!has_ids) written.ids.clear();
  // However long the senders are not answered, what they sent is not kept.
  group.frame.events = {};
  for (Waiting& waiting : group.requests)
    for (std::string& event : waiting.request.events) std::string().swap(event);
  const std::lock_guard lock(mutex_);
  if (has_ids) {
    ++counts_.groups;
    counts_.events += static_cast<std::int64_t>(written.ids.size());
  }
  committed_.push_back({std::move(group), std::move(written)});
  answerable_.notify_one();
}

void Committer::answer(Group& group, const GroupIds& all) {
  if (all.ids.empty()) {
    for (Waiting& waiting : group.requests)
      waiting.answer(refused_with(503, "the events were written; their ids are not known"));
    return;
  }
  auto next = all.ids.begin();
  for (Waiting& waiting : group.requests) {
    Written written;
    written.is_known = waiting.request.is_keyed;
    for (std::size_t i = 0; i < waiting.request.events.size(); ++i, ++next) {
      written.ids.push_back(*next);
      written.is_known = written.is_known && *next <= all.newest;
    }
    waiting.answer(std::move(written));
  }
}

// One of them is refused; the others are written without it.
void Committer::split(Group group, const pg::Error& error) {
  std::vector<Waiting>& requests = group.requests;
  std::size_t index = refused_index(error).value_or(0);
  auto refused = requests.begin();
  if (requests.size() > 1 && refused_index(error)) {
    while (index >= refused->request.events.size()) index -= (refused++)->request.events.size();
  } else if (requests.size() > 1) {
    // The error does not say which: halves find it.
    const auto middle = requests.begin() + static_cast<std::ptrdiff_t>(requests.size() / 2);
    std::vector<Waiting> second(std::make_move_iterator(middle),
                                std::make_move_iterator(requests.end()));
    requests.erase(middle, requests.end());
    place(Group(std::move(requests)));
    return place(Group(std::move(second)));
  }
  refused->answer(refusal(refused->request, error, index));
  requests.erase(refused);
  if (!requests.empty()) place(Group(std::move(requests)));
}

// False: the database is away, as far as is known.
bool Committer::connect() {
  if (connection_) return true;
  if (steady_clock::now() < connect_at_) return false;
  try {
    connection_.emplace(pg::Connection::open(connect_options_));
    backoff_.reset();
    is_told_ = false;
    return true;
  } catch (const pg::Error& error) {
    away(error);
    connect_at_ = steady_clock::now() + backoff_.next();
    return false;
  }
}

void Committer::away(const pg::Error& error) {
  connection_.reset();
  if (!std::exchange(is_told_, true))
    logger_.warn(spool_ ? "events that come in are kept on disk: the database does not take them"
                        : "events that come in are refused: the database does not take them",
                 {{"error", error.what()}});
}

}  // namespace evd::ingest
