// A bounded set of sessions that several threads take turns with. They are opened when they are
// first needed, and a broken one is dropped when it comes back. Any thread may call it; it outlives
// its leases. Whoever leases a session leaves it as it was: the pool resets nothing.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "common/pg/connection.hpp"

namespace evd::pg {

class Pool {
 public:
  // A session, the holder's until the lease ends.
  class Lease {
   public:
    Lease(Pool& pool, Connection connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          is_wanted_(other.is_wanted_),
          connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    Connection& operator*() { return connection_; }
    Connection* operator->() { return &connection_; }

    // The session is closed when the lease ends: somebody else may still mean to cancel it.
    void discard() { is_wanted_ = false; }

   private:
    Pool* pool_;
    bool is_wanted_ = true;
    Connection connection_;
  };

  // At most `size` (from 1) sessions at once.
  Pool(ConnectOptions options, int size);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Blocks until a session is free or may be opened, and while it is opened. Empty when it was
  // asked to stop first. Throws pg::Error when PostgreSQL cannot be reached.
  std::optional<Lease> lease(const std::stop_token& stop = {});

  int open_connections() const;  // leased ones included

 private:
  void give_back(Connection connection, bool is_wanted);
  void forget_one();

  const ConnectOptions options_;
  const int size_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any freed_;
  std::vector<Connection> idle_;  // the one used last at the end, and taken first
  int open_ = 0;                  // idle, leased and being opened
};

}  // namespace evd::pg
