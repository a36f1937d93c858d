// Establishing a session: the part of Connection that meets passwords. Private to common/pg.
#pragma once

#include "common/pg/connection.hpp"

struct pg_conn;

namespace evd::pg {

// A connected handle, which the caller finishes. Throws pg::Error without any part of a password.
pg_conn* connect(const ConnectOptions& options);

}  // namespace evd::pg
