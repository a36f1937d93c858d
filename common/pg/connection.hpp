// One session with PostgreSQL. It belongs to one thread at a time; only a Canceller may be used
// from another. Nothing is prepared by name, so that it works through poolers in transaction mode.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/pg/error.hpp"
#include "common/pg/params.hpp"
#include "common/pg/result.hpp"

struct pg_cancel;

namespace evd::pg {

struct ConnectOptions {
  std::string url;               // or key=value pairs; empty: libpq's PG* variables and defaults
  std::string application_name;  // unless the URL or PGAPPNAME gives one
  std::chrono::milliseconds connect_timeout{10'000};  // 0: none. Several hosts: of each, in seconds

  // Session settings, applied by set_config() once connected and again by reset_session(). A pooler
  // in transaction mode may give the next transaction another server session, which lacks them: put
  // into `set local` what a transaction depends on for being correct.
  std::vector<std::pair<std::string, std::string>> settings;

  // Called in the thread that reads with the server's notices, each one line; none: they are
  // dropped.
  std::function<void(const std::string&)> on_notice;
};

// Stops the statement that a connection is running. May be copied and used from any thread, also
// after the connection is gone (then it does nothing).
class Canceller {
 public:
  explicit Canceller(std::shared_ptr<pg_cancel> handle) : handle_(std::move(handle)) {}

  // Waits for the server to take the request, not for the statement to end: that fails with 57014
  // if it was still running. False: the server could not be asked.
  bool cancel() const noexcept;

 private:
  std::shared_ptr<pg_cancel> handle_;
};

class Connection {
 public:
  // Throws pg::Error; its connection_lost() is always true.
  static Connection open(const ConnectOptions& options);

  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // One statement. Throws pg::Error when it fails.
  Result query(const std::string& sql, const Params& params = {}, Format format = Format::k_text);

  // Several statements separated by semicolons, in one implicit transaction unless they say
  // otherwise. Returns the last one's result.
  Result run_script(const std::string& sql);

  // Reads what has arrived, without waiting, and says whether a notification was among it. Throws
  // pg::Error when the connection is lost. Poll socket() for reading to know when to call it.
  bool consume_notifications();
  bool wait_notification(std::chrono::milliseconds timeout);  // false: none came in time
  int socket() const;                                         // -1 when there is none

  // Ends an open transaction and undoes what a statement may have left in the session: settings,
  // role, cursors, advisory locks, LISTEN, temporary tables. Cached plans stay. Two round trips at
  // most.
  void reset_session();

  bool is_open() const;         // as far as libpq knows without asking
  bool in_transaction() const;  // an open one, failed or not
  int backend_pid() const;      // behind a pooler: not the server's
  int server_version() const;   // 150018
  Canceller canceller() const;
  std::string escape_identifier(const std::string& name) const;  // with its quotes
  std::string escape_literal(const std::string& text) const;     // with its quotes

 private:
  friend class Pipeline;
  struct State;

  explicit Connection(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace evd::pg
