// The outbox in PostgreSQL. It borrows a connection, which the same thread owns. Every call commits
// by itself and throws pg::Error.
#pragma once

#include "common/alert/outbox.hpp"
#include "common/pg/connection.hpp"

namespace evd::alert {

class PgOutbox : public Outbox {
 public:
  explicit PgOutbox(pg::Connection& connection) : connection_(connection) {}

  int fold(const std::string& routes, int limit) override;
  std::optional<LeasedAlert> take(const TakeAlert& request) override;
  std::vector<Alert> refresh(const std::string& channel,
                             std::optional<Milliseconds> every) override;
  bool sent(std::int64_t group, std::int64_t token) override;
  bool failed(std::int64_t group, std::int64_t token, const std::string& error) override;

 private:
  pg::Connection& connection_;
};

}  // namespace evd::alert
