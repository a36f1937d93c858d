// What a Connection holds. Private to common/pg.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/pg/connection.hpp"

namespace evd::pg {

// Heap-allocated: libpq keeps a pointer to it for notices, so it must not move with the Connection.
struct Connection::State {
  struct Finish {
    void operator()(pg_conn* connection) const;
  };

  Result checked(pg_result* raw) const;  // throws pg::Error for what is no result
  static void take_notice(void* state, const pg_result* notice);
  // Of an error of libpq's own, which has no code: the server had said in a notice why it goes.
  Error explained(Error error) const;

  std::function<void(const std::string&)> on_notice;
  std::string farewell;  // SQLSTATE of such a notice; else empty
  std::string reset_script;
  std::unique_ptr<pg_conn, Finish> handle;  // last: finished before the callback goes
};

}  // namespace evd::pg
