#include "common/pg/pool.hpp"

#include <algorithm>

namespace evd::pg {

Pool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->give_back(std::move(connection_), is_wanted_);
}

Pool::Pool(ConnectOptions options, int size)
    : options_(std::move(options)), size_(std::max(size, 1)) {}

namespace {

// Whether the server has not ended the session while it was idle.
bool is_alive(Connection& connection) {
  try {
    connection.consume_notifications();
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::optional<Pool::Lease> Pool::lease(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    const auto may_have_one = [this] { return !idle_.empty() || open_ < size_; };
    if (!freed_.wait(lock, stop, may_have_one) || stop.stop_requested()) {
      freed_.notify_one();  // what woke it may have been meant for somebody who goes on
      return std::nullopt;
    }
    if (idle_.empty()) {
      ++open_;
      break;
    }
    Lease lease(*this, std::move(idle_.back()));
    idle_.pop_back();
    lock.unlock();
    if (is_alive(*lease)) return lease;
  }
  try {
    return Lease(*this, Connection::open(options_));
  } catch (...) {
    forget_one();
    throw;
  }
}

int Pool::open_connections() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void Pool::give_back(Connection connection, bool is_wanted) {
  // Closing a session takes a system call or two, so outside of the lock.
  if (!is_wanted || !connection.is_open() || connection.in_transaction()) {
    { const Connection closed = std::move(connection); }
    forget_one();
    return;
  }
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
  freed_.notify_one();
}

void Pool::forget_one() {
  const std::lock_guard lock(mutex_);
  --open_;
  freed_.notify_one();
}

}  // namespace evd::pg
