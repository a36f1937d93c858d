// What a Connection holds. Private to common/pg.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/pg/connection.hpp"

namespace evd::pg {

// Heap-allocated: libpq keeps a pointer to on_notice, which must not move with the Connection.
struct Connection::State {
  struct Finish {
    void operator()(pg_conn* connection) const;
  };

  std::function<void(const std::string&)> on_notice;
  std::string reset_script;
  std::unique_ptr<pg_conn, Finish> handle;  // last: finished before the callback goes
};

}  // namespace evd::pg
