// A transaction that is rolled back unless it was committed. Read committed whatever the database's
// default is, since evd's statements rely on each seeing what committed before it.
#pragma once

#include "common/pg/connection.hpp"

namespace evd::pg {

class Transaction {
 public:
  explicit Transaction(Connection& connection);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();  // never throws

  // Throws pg::Error: with connection_lost() the commit may have happened; 25P02 when an earlier
  // statement had failed, so that the server rolled back.
  void commit();

  void rollback();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace evd::pg
